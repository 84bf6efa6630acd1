//! Windows of bytes out of a map, a file, a pipe or a decompressor.
