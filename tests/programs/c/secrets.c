/* Looks for secrets in the whole memory of this process after everything was freed.
 *
 * Usage: secrets [dump]; on standard input the server's URL, the API key and a session token, the
 * secrets as hexadecimal digits of masked bytes: nothing of the program itself must hold them. With
 * "dump" it prints the last access token in that form, and then aborts, to leave a core file.
 *
 * Run by tests/process.rs. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <connectcreds.h>

enum { MASK = 0x5a, LONGEST = 4096, WINDOW = 1 << 20 };

struct secret {
    const char *name;
    unsigned char masked[LONGEST];
    size_t length;
};
static struct secret key = {.name = "key"}, session = {.name = "session"},
                     token = {.name = "token"};

static void wipe(char *text)
{
    volatile char *each = text;
    while (*each != '\0')
        *each++ = '\0';
}

static void mask(struct secret *secret, const char *plain)
{
    secret->length = strlen(plain);
    for (size_t i = 0; i < secret->length; i++)
        secret->masked[i] = (unsigned char)plain[i] ^ MASK;
}

static void unmask(const struct secret *secret, char *plain)
{
    for (size_t i = 0; i < secret->length; i++)
        plain[i] = (char)(secret->masked[i] ^ MASK);
    plain[secret->length] = '\0';
}

/* Reads a line byte by byte: a buffer would keep it. */
static void read_line(char *line)
{
    size_t length = 0;
    while (length + 1 < LONGEST && read(0, &line[length], 1) == 1 && line[length] != '\n')
        length++;
    line[length] = '\0';
}

static void read_secret(struct secret *secret)
{
    static char digits[2 * LONGEST];
    read_line(digits);
    secret->length = strlen(digits) / 2;
    for (size_t i = 0; i < secret->length; i++) {
        unsigned byte = 0;
        sscanf(&digits[2 * i], "%2x", &byte);
        secret->masked[i] = (unsigned char)byte;
    }
}

static void call(const char *server)
{
    static char plain[LONGEST];
    cc_request *request = cc_request_new();
    cc_token *got = NULL;
    cc_error *error = NULL;
    cc_request_set_server_url(request, server);
    unmask(&key, plain);
    cc_request_set_api_key(request, plain);
    wipe(plain);
    cc_request_set_force_refresh(request, true);
    unmask(&session, plain);
    cc_status status = cc_viewer_token(plain, request, &got, &error);
    wipe(plain);
    if (status != CC_OK) {
        puts(cc_error_message(error));
        exit(1);
    }
    mask(&token, cc_token_access_token(got));
    (void)cc_token_authorization(got);
    cc_token_free(got);
    cc_request_free(request);
}

static int found_in(const unsigned char *bytes, size_t length, const struct secret *secret)
{
    int found = 0;
    for (size_t at = 0; at + secret->length <= length; at++) {
        size_t same = 0;
        while (same < secret->length && (bytes[at + same] ^ MASK) == secret->masked[same])
            same++;
        found += same == secret->length;
    }
    return found;
}

/* Prints where the secrets are. */
static int scan(void)
{
    unsigned char *window =
        mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY), all = 0;
    char line[1000];
    const struct secret *secrets[] = {&key, &session, &token};
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char access[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, access) != 3 || access[1] != 'w')
            continue;
        for (unsigned long at = from; at < to; at += WINDOW - LONGEST) {
            if (at <= (unsigned long)window && (unsigned long)window < at + WINDOW)
                continue;
            size_t wanted = to - at < WINDOW ? to - at : WINDOW;
            ssize_t length = pread(memory, window, wanted, (off_t)at);
            for (size_t i = 0; length > 0 && i < 3; i++) {
                int found = found_in(window, (size_t)length, secrets[i]);
                if (found > 0) {
                    printf("%d of %s in %s", found, secrets[i]->name, line);
                    all += found;
                }
            }
        }
    }
    close(memory);
    fclose(maps);
    munmap(window, WINDOW);
    return all;
}

static void dump(void)
{
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    for (size_t i = 0; i < token.length; i++)
        printf("%02x", token.masked[i]);
    puts("");
    fflush(stdout);
    if (setrlimit(RLIMIT_CORE, &unlimited) != 0)
        exit(3);
    abort();
}

int main(int argc, char **argv)
{
    static char server[LONGEST];
    alarm(60);
    read_line(server);
    read_secret(&key);
    read_secret(&session);
    for (int i = 0; i < 3; i++)
        call(server);
    cc_cache_clear();
    printf("%d copies\n", scan());
    if (argc > 1 && strcmp(argv[1], "dump") == 0)
        dump();
    return 0;
}
