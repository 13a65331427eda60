// The Python module: each file beside this one binds one floor's kernels.
#include "bindings.hpp"

NB_MODULE(_native, m) {
    m.doc() = "Native kernels of intarsia. Called by the Python wrappers, which document and check.";
    bind_panoptic(m);
    bind_cut(m);
    bind_clustering(m);
    bind_decoding(m);
    bind_layers(m);
    bind_losses(m);
    bind_metrics(m);
    bind_png(m);
}
