/* operator new from C, without any C++ runtime in the process: it returns memory as usual; if there is none, it prints one line and aborts. */
#include "check.h"

void *_Znwm(size_t);
void _ZdlPv(void *);
void *_ZnwmRKSt9nothrow_t(size_t, const void *);

int main(void) {
    void *p = _Znwm(100);
    fill(p, 100, 1);
    CHECK(filled(p, 100, 1));
    _ZdlPv(p);
    CHECK(_ZnwmRKSt9nothrow_t((size_t)1 << 60, NULL) == NULL);
    if (finish()) return finish();
    _Znwm((size_t)1 << 60);
    return 1;
}
