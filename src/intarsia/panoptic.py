"""The one currency of the library: categories, segments, and the map that gives each pixel to one segment."""
