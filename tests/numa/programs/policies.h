// Sets memory policies without libnuma.
#ifndef POLICIES_H
#define POLICIES_H
#include <linux/mempolicy.h>
#include "pages.h"

static inline int policy_named(const char *name) {
    static const char *const names[] = {
        [MPOL_DEFAULT] = "default", [MPOL_PREFERRED] = "preferred", [MPOL_BIND] = "bind", [MPOL_INTERLEAVE] = "interleave"};
    for (int policy = MPOL_DEFAULT; policy <= MPOL_INTERLEAVE; policy++)
        if (strcmp(names[policy], name) == 0) return policy;
    CHECK(!"a policy of this name");
    return -1;
}

// Sets the policy of this thread for the nodes whose bits are set.
static inline void set_policy(const char *name, unsigned long nodes) {
    CHECK(syscall(SYS_set_mempolicy, policy_named(name), nodes ? &nodes : NULL, nodes ? 8 * sizeof nodes + 1 : 0) == 0);
}

#endif
