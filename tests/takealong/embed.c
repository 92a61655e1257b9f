/* embed.c - a program of somebody else's that has taken dindbind.c and dindbind.h along; C11 and C++11
 *
 * SPDX-License-Identifier: 0BSD
 *
 *      embed THREADS PLACE PID HOST PATH OVERLAY SOURCE...
 *
 * Prints what `dindbind -f json -p PID -b HOST:PATH -o OVERLAY SOURCE...` prints, but for the messages of
 * errors. PLACE is `open`, `host` (-H) or a directory to stage in (-s). That many threads work on one opened
 * runner, all on all sources, some hundred times; what any of them sees otherwise than the first one is reported, status 1.
 */
#include "dindbind.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 100, STAGE_ROUNDS = 5, RECORD = 2 * DINDBIND_PATH_MAX, MANY = 64 };

static struct dindbind_runner runner;
static const char *place;
static char **sources;
static size_t count;

static const char *type_name(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "directory";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    case S_IFCHR: return "char";
    case S_IFBLK: return "block";
    default: return "unknown";
    }
}

/* One record, for sources that need no escapes. */
static void record(char *out, size_t size, const char *source, const struct dindbind_result *res)
{
    static const char *const rules[] = { "none", "bind", "proc", "layers", "self" };
    static const char *const kinds[] = { "single", "merged", "metacopy" };
    int n;
    if (res->error) {
        snprintf(out, size, "{\"source\":\"%s\",\"error\":\"%s\"}", source, dindbind_word(res->error));
        return;
    }
    n = snprintf(out, size, "{\"source\":\"%s\",\"rule\":\"%s\",\"kind\":\"%s\",", source, rules[res->rule], kinds[res->kind]);
    if (res->kind == DINDBIND_SINGLE)
        n += snprintf(out + n, size - (size_t)n, "\"path\":\"%s\",", res->path);
    for (size_t i = 0; i < res->nlayers; i++)
        n += snprintf(out + n, size - (size_t)n, "%s\"%s\"%s", i ? "," : "\"layers\":[", res->layers[i],
                      i + 1 < res->nlayers ? "" : "],");
    if (res->kind == DINDBIND_MERGED && *res->options)
        n += snprintf(out + n, size - (size_t)n, "\"options\":\"%s\",", res->options);
    snprintf(out + n, size - (size_t)n, "\"type\":\"%s\",\"ro\":%s}", type_name(res->type), res->ro ? "true" : "false");
}

/* All sources once, staged or not. The paths of a stage are looked at and taken down when `keep` is not set. */
static int answers(char (*out)[RECORD], int keep)
{
    struct dindbind_result *results = (struct dindbind_result *)calloc(count, sizeof *results), *list[MANY];
    size_t staged = 0;
    int err = 0, rc = 0, stage = place[0] == '/';
    if (!results)
        return 1;
    for (size_t i = 0; i < count; i++) {
        struct dindbind_mount *below = NULL;
        size_t nbelow = 0;
        if (!dindbind_resolve(&runner, sources[i], stage ? DINDBIND_TO_STAGE : 0, &results[i]) && !strcmp(place, "host") &&
            !dindbind_host(&runner, &results[i], &below, &nbelow) && nbelow)
            results[i].error = DINDBIND_E_NESTED;
        free(below);
        if (!results[i].error)
            list[staged++] = &results[i];
    }
    if (stage && dindbind_stage(&runner, place, list, staged, &err)) {
        fprintf(stderr, "embed: %s: errno %d\n", place, err);
        rc = 1;
    }
    for (size_t i = 0; stage && !rc && i < staged; i++) {
        struct stat pinned, found;
        int fd = open(list[i]->path, O_PATH | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &found) || (list[i]->fd >= 0 && (fstat(list[i]->fd, &pinned) || pinned.st_ino != found.st_ino))) {
            fprintf(stderr, "embed: %s: not what was staged\n", list[i]->path);
            rc = 1;
        }
        if (fd >= 0)
            close(fd);
    }
    /* after all of them were looked at: one source has one entry, whatever it was called */
    for (size_t i = 0; stage && !keep && i < staged; i++)
        dindbind_unstage(NULL, list[i]->path, &err);
    for (size_t i = 0; i < count; i++) {
        if (stage && !keep)
            results[i].path[0] = 0;     /* another number each time */
        record(out[i], RECORD, sources[i], &results[i]);
        dindbind_release(&results[i]);
    }
    free(results);
    return rc;
}

static void *work(void *arg)
{
    static char zero;
    char (*first)[RECORD] = NULL, (*more)[RECORD] = NULL;
    (void)arg;
    first = (char (*)[RECORD])calloc(count, RECORD);
    more = (char (*)[RECORD])calloc(count, RECORD);
    int wrong = !first || !more || answers(first, 0);
    for (int n = 0; !wrong && n < (place[0] == '/' ? STAGE_ROUNDS : ROUNDS); n++) {
        wrong = answers(more, 0);
        for (size_t i = 0; i < count; i++)
            if (strcmp(first[i], more[i])) {
                fprintf(stderr, "embed: first %s\nembed: then %s\n", first[i], more[i]);
                wrong = 1;
            }
    }
    free(first);
    free(more);
    return wrong ? &zero : NULL;
}

int main(int argc, char **argv)
{
    struct dindbind_bind row = { argc > 5 ? argv[4] : "", argc > 5 ? argv[5] : "", 0, DINDBIND_GIVEN };
    pthread_t threads[MANY];
    char text[RECORD];
    int rc, err, n, wrong = 0;
    if (argc < 8 || argc - 7 > MANY || atoi(argv[1]) > MANY)
        return 2;
    place = argv[2];
    runner.pid = atol(argv[3]);
    runner.binds = &row;
    runner.nbinds = argv[4][0] != 0;
    runner.overlay = argv[6][0] ? argv[6] : NULL;
    sources = argv + 7;
    count = (size_t)argc - 7;
    rc = dindbind_open(&runner);
    if (rc) {
        fprintf(stderr, "embed: %s\n", dindbind_message(&runner, NULL, NULL, rc, text, sizeof text));
        return dindbind_status(rc);
    }
    for (n = 0; n < atoi(argv[1]); n++)
        if (pthread_create(&threads[n], NULL, work, NULL))
            return 3;
    while (n--) {
        void *failed;
        pthread_join(threads[n], &failed);
        wrong |= failed != NULL;
    }
    char (*out)[RECORD] = (char (*)[RECORD])calloc(count, RECORD);
    if (!out || answers(out, 1))
        return 3;
    for (size_t i = 0; i < count; i++)
        puts(out[i]);
    free(out);
    dindbind_close(&runner);
    if (place[0] == '/' && dindbind_unstage(NULL, place, &err))
        return 3;
    return wrong;
}
