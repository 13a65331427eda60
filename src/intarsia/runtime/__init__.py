"""A model as people use it: loaded by name, run on images of any size."""
