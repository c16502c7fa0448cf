//! The benchmarks are the files beside this one; their shared code is the package in `contenders/`.
