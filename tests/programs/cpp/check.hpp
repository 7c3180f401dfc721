/* What the C++ hosts share. */
#include <cstdio>
#include <cstring>

static int failures;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            failures++; \
        } \
    } while (false)

/* Whether two strings of C are there and equal. */
static inline bool same(const char *string, const char *expected)
{
    return string != nullptr && std::strcmp(string, expected) == 0;
}
