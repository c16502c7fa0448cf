// A key that would fill the line is cut off, so that the list of existing keys is printed completely.
// conf: a_very_long_key_that_nobody_knows_and_that_goes_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on:1
// status: 0
// expect-words: larder nobody_knows stats hugetlb
#include "../misuse.h"

int main(void) {
    free(malloc(64));
    return 0;
}
