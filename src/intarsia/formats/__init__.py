"""Data sets in and out: COCO panoptic, Cityscapes, Vistas, label images, and what others read."""
