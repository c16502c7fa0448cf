//! Nothing here: see the files beside this one.
