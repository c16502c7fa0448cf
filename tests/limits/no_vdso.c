// Where the kernel puts no functions of its own into programs (`vdso=0`), a heap may be as long as elsewhere. An emulator does not either,
// and each page that is reserved costs it memory; but it does not name the features of rseq, as kernels since 6.3 do. With EMULATED in the
// environment this program hides those, too.
#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>
#include "churn.h"
#include "status.h"

enum { RSEQ_FEATURE_SIZE = 27 };

static unsigned long word_from_kernel(unsigned long kind) {
    Elf64_auxv_t words[64];
    int file = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = read(file, words, sizeof words);
    close(file);
    for (size_t i = 0; bytes > 0 && i < (size_t)bytes / sizeof *words; i++)
        if (words[i].a_type == kind) return words[i].a_un.a_val;
    return 0;
}

unsigned long getauxval(unsigned long kind) {
    int is_hidden = kind == AT_SYSINFO_EHDR || (kind == RSEQ_FEATURE_SIZE && getenv("EMULATED") != NULL);
    return is_hidden ? 0 : word_from_kernel(kind);
}

int main(void) {
    must_run_on_library();
    free(malloc(100));
    size_t gib = status("VmSize:") >> 30;
    printf("%zu GiB reserved\n", gib);
    CHECK(getauxval(RSEQ_FEATURE_SIZE) != 0 ? gib >= 64 : gib >= 8 && gib < 16);
    churn(1, (size_t)16 << 20, 3000);
    return 0;
}
