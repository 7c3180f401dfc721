/* What the files of this program share. See main.c. */
#ifndef HIT_H
#define HIT_H

#include <connectcreds.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* host.c: what surrounds the calls */

enum { TOKEN_BYTES = 1000, SESSION_BYTES = 13 + 188 };

extern cc_request *prepared, *prepared_content;
extern char session[2][SESSION_BYTES + 1];
extern cc_token *shared;

_Noreturn void fail(const char *what);
void must(cc_status status);
void set_environment(void);
void order_tokens(void);
void set_session(char *session, uint32_t number);
void prepare(void);
extern const char *const ASKED[5];

/* operations.c: each function repeats one operation a number of times, but viewer_hit() */

typedef void (*repeated)(long calls);

extern uint32_t sessions_in_use;
uint64_t random_number(void);
void viewer_hit(const char *of, const cc_request *request);
void viewer_prepared(long calls);
void viewer_started(long calls);
void other_viewer_prepared(long calls);
void service_prepared(long calls);
void viewer_null(long calls);
void service_null(long calls);
void viewers_at_random(long calls);
void names_at_random(long calls);
void getenv_hit(long calls);
void getenv_miss(long calls);
void getenv_5(long calls);
void clock_fine(long calls);
void clocks_coarse(long calls);
void mutex_pair(long calls);
void count_pair(long calls);
void compare_250(long calls);
void hash_250(long calls);
void token_ref_free(long calls);

/* measure.c: runs them in rounds */

enum { ROUNDS = 101, CALLS = 5000 };

struct measure {
    const char *name;
    repeated one;   /* on this thread, or on a second one if there is another */
    repeated other; /* NULL: one thread */
    double aim_ns;  /* 0: none */
    double ns[ROUNDS];
};

void measure(struct measure *all, size_t n);
double median(const struct measure *of);
void print(const struct measure *all, size_t n);
void title(const char *text);

/* sessions.c: hits among many sessions */

void sizes(void);
void churn(void);

#endif
