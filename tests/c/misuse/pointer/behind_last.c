// Where one more object of the slab would begin, on its last page.
// expect: larder: invalid $call: $ptr: outside the objects of 48 bytes on its page
#include "../misuse.h"

enum { COUNT = 4000, SIZE = 48, PAGE = 4096 };

int main(void) {
    static char *objects[COUNT];
    char *behind = NULL;
    for (int i = 0; i < COUNT; i++) objects[i] = malloc(SIZE);
    // The last object of a page ends before the page does, and the next slab begins there.
    for (int i = 0; i < COUNT; i++)
        if ((uintptr_t)objects[i] % PAGE == PAGE - 80) behind = objects[i] + SIZE;
    for (int i = 0; i < COUNT; i++) if (objects[i] == behind) return SURVIVED;
    name("ptr", behind);
    MISUSE(behind);
    return SURVIVED;
}
