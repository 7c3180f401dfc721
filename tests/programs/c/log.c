/* Threads log while the host replaces its callback. A callback that was removed must not be called
 * again; otherwise the exit status is 1.
 *
 * The process does not run on Connect, so each call fails at once and logs why. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <connectcreds.h>

#define THREADS 4
#define ROUNDS 300

/* The user data of a callback, which must not be called after it is off. */
struct listener {
    pthread_mutex_t mutex;
    int on, lines, late;
};

static volatile int done;

static void line(int32_t level, const char *message, void *user_data)
{
    struct listener *listener = user_data;
    (void)level;
    (void)message;
    pthread_mutex_lock(&listener->mutex);
    if (listener->on)
        listener->lines++;
    else
        listener->late++;
    pthread_mutex_unlock(&listener->mutex);
}

static void switch_off(struct listener *listener)
{
    pthread_mutex_lock(&listener->mutex);
    listener->on = 0;
    pthread_mutex_unlock(&listener->mutex);
}

static void rest(long microseconds)
{
    struct timespec time = {0, microseconds * 1000};
    nanosleep(&time, NULL);
}

static void *caller(void *unused)
{
    (void)unused;
    while (!done)
        cc_has_service_account_token(NULL);
    return NULL;
}

int main(void)
{
    static struct listener listeners[ROUNDS];
    pthread_t threads[THREADS];
    int late = 0, heard = 0;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, caller, NULL) != 0)
            return 3;
    for (int i = 0; i < ROUNDS; i++) {
        struct listener *listener = &listeners[i];
        pthread_mutex_init(&listener->mutex, NULL);
        listener->on = 1;
        cc_log_set_callback(CC_LOG_DEBUG, line, listener);
        if (i > 0)
            switch_off(&listeners[i - 1]); /* it was replaced */
        rest(200);
    }
    cc_log_set_callback(CC_LOG_DEBUG, NULL, NULL);
    switch_off(&listeners[ROUNDS - 1]);
    rest(1000);
    done = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < ROUNDS; i++) {
        late += listeners[i].late;
        heard += listeners[i].lines;
    }
    printf("late %d, heard %s\n", late, heard > 0 ? "some" : "none");
    return late > 0 || heard == 0;
}
