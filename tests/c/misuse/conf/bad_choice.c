// conf: foreign_free:maybe
// status: 0
// expect-words: larder foreign_free maybe ignore abort
#include "../misuse.h"

int main(void) {
    free(malloc(64));
    return 0;
}
