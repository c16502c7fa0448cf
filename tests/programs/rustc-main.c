/* rustc without its own allocator: rustup's `rustc` consists of a few lines around librustc_driver and also defines malloc (jemalloc), which no
 * preloaded library can override. These are the same lines without malloc. DRIVER_MAIN: the driver's mangled `main`. */
extern void DRIVER_MAIN(void);

int main(void) {
    DRIVER_MAIN();
    return 0;
}
