/* rustc without its own allocator: rustup's `rustc` is a few lines around librustc_driver that also define malloc (jemalloc), which no
 * preloaded library can override. These are the same few lines without that. DRIVER_MAIN: the driver's mangled `main`. */
extern void DRIVER_MAIN(void);

int main(void) {
    DRIVER_MAIN();
    return 0;
}
