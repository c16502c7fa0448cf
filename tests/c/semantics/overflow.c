/* Products that do not fit in a size_t: null and ENOMEM, although the wrapped product could be allocated. */
#include "check.h"

static void product_fails(size_t a, size_t b) {
    void *p = malloc(100);
    fill(p, 100, 1);
    FAILS(ENOMEM, calloc(a, b));
    FAILS(ENOMEM, calloc(b, a));
    FAILS(ENOMEM, reallocarray(NULL, a, b));
    FAILS(ENOMEM, reallocarray(p, a, b));
    FAILS(ENOMEM, reallocarray(p, b, a));
    CHECK(filled(p, 100, 1));
    free(p);
}

int main(void) {
    product_fails(SIZE_MAX, 2);
    product_fails(SIZE_MAX, SIZE_MAX);
    product_fails(SIZE_MAX / 2 + 1, 2);
    product_fails(SIZE_MAX / 2 + 2, 2);
    product_fails((size_t)1 << 32, (size_t)1 << 32);
    product_fails(((size_t)1 << 32) + 1, (size_t)1 << 32);
    product_fails(SIZE_MAX / 16 + 2, 16);
    product_fails(SIZE_MAX / 3 + 1, 3);
    return finish();
}
