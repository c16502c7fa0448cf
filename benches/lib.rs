//! The benchmarks are the files beside this one; what they share is the package in `contenders/`.
