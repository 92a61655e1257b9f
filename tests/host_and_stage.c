/* host_and_stage.c - host paths and stages, checked
 *
 * SPDX-License-Identifier: 0BSD
 *
 * White-box: dindbind.c is included. Black-box: the static binary that $DINDBIND names (./dindbind) is run.
 *
 * Everything happens in a mount namespace of the test's own (an ordinary user gets a user namespace for it),
 * whose root is a tmpfs that holds nothing but /proc and the tool. Root may skip nothing. The last line on
 * standard output counts what passed, failed and was skipped.
 *
 * A case has a directory of its own, /cN: layers l1, l2, up, work, their overlay at `merged`, and what a host
 * would have besides (vol, data). Its runner is a child with a mount namespace of its own and `merged` as its
 * root. Trees and mounts are scripts in the little language of world.h.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DINDBIND_NO_MAIN
#include "../dindbind.c"
#include "cases.h"

/* ==== helpers =========================================================================================== */

static void need_root(const char *why)
{
    if (world.root)
        return;
    skip_case(why);
}

/* ---- The case ------------------------------------------------------------------------------------------ */

static char *at(const char *name)
{
    return textf("%s/%s", world.dir, name);
}

static int begin(void **state)
{
    static int number;
    (void)state;
    pooled = 0;
    snprintf(world.dir, sizeof world.dir, "/c%d", number++);
    snprintf(world.merged, sizeof world.merged, "%s/merged", world.dir);
    grow(world.dir, "dir up;dir work;dir merged;dir vol/sub;file vol/v volume;file data/f data;file data/d/g deep;"
         "file l1/m/one 1;file l2/m/two 2;file l1/file low;dir l1/vol;dir l1/a/b;dir l1/a/c;file l1/single -;"
         "sock l1/sock;fifo l1/fifo;file l1/w/gone x;file l1/w/kept y;wh l2/w/gone;dir l1/proc;dir l1/x");
    return mount("o", world.merged, "overlay", 0,
                 expand("lowerdir=@/l2:@/l1,upperdir=@/up,workdir=@/work$USERXATTR"));
}

static int end(void **state)
{
    (void)state;
    stop_runner();
    return 0;
}

/* The tool, in the language of world.h. */
static struct ran tool_with(const char *args, bool (*before)(void))
{
    return run_command(args, NULL, before);
}

static struct ran tool(const char *args)
{
    return tool_with(args, NULL);
}

/* About the runner of the case: a status, all of standard output, part of standard error ("": there is nothing). */
static void expect(const char *args, int status, const char *out, const char *err)
{
    const char *command = textf("-p $PID %s", args);
    expect_ran(expand(command), tool(command), status, out, *err ? err : NULL);
}

/* As expect(), for a refusal; the json record holds `word`. */
static void refused(const char *args, const char *word, const char *message)
{
    int status = dindbind_status(0);
    for (int e = DINDBIND_E_USAGE; e >= DINDBIND_E_SYSTEM; e--)
        if (!strcmp(dindbind_word(e), word))
            status = dindbind_status(e);
    expect(args, status, "", message);
    struct ran r = tool(textf("-p $PID -f json %s", args));
    if (r.status != status || !strstr(r.out, textf("\"error\":\"%s\"", word)))
        flunk("dindbind %s: wanted %s, got %d, %s", expand(args), word, r.status, r.out);
}

static void assert_same(const char *a, const char *b)
{
    if (!same_file(a, b))
        flunk("%s and %s are not the same file", a, b);
}

/* The host path from the library, on one back end. A word on an error. */
static char *host_of(const char *source, unsigned caps, int *ro, size_t *nbelow)
{
    static struct dindbind_result res;
    struct dindbind_runner r = { .pid = world.pid };
    struct dindbind_mount *below = NULL;
    int before = count_descriptors(), rc = dindbind_open(&r);
    *nbelow = 0;
    if (rc)
        return textf("open %s", dindbind_word(rc));
    r.caps |= caps;
    rc = dindbind_resolve(&r, source, 0, &res);
    if (!rc)
        rc = dindbind_host(&r, &res, &below, nbelow);
    char *told = textf("%s", rc ? dindbind_word(rc) : res.path);
    *ro = res.ro;
    free(below);
    dindbind_release(&res);
    dindbind_close(&r);
    assert_int_equal(before, count_descriptors());
    return told;
}

static const unsigned back_ends[] = { 0, CAPS_NO_OPENAT2, CAPS_NO_STATX, CAPS_NO_OPENAT2 | CAPS_NO_STATX };

/* ==== host paths ======================================================================================== */

struct host_case {
    const char *name, *before;  /* run before the runner enters its root; @/merged/x is /x */
    const char *after;          /* ordered from the runner later, or NULL */
    const char *host;           /* done by the host when the runner is there, or NULL */
    const char *source, *answer; /* '@': the case's directory; or a word */
    int ro;
    size_t below;
};

static const struct host_case host_cases[] = {
    { "a file of the overlay root", "", NULL, NULL, "/file", "@/merged/file", 0, 0 },
    { "a merged directory", "", NULL, NULL, "/m", "@/merged/m", 0, 0 },
    { "the root itself", "", NULL, NULL, "/", "@/merged", 0, 0 },
    { "a socket", "", NULL, NULL, "/sock", "@/merged/sock", 0, 0 },
    { "a symlink is followed as the runner would", "", "link /a/ln ../m", NULL, "/a/ln/two", "@/merged/m/two", 0, 0 },
    { "a volume", "bind @/vol @/merged/vol", NULL, NULL, "/vol", "@/vol", 0, 0 },
    { "below a volume", "bind @/vol @/merged/vol", NULL, NULL, "/vol/sub", "@/vol/sub", 0, 0 },
    { "a bind mount of a single file", "bind @/data/f @/merged/single", NULL, NULL, "/single", "@/data/f", 0, 0 },
    { "a read-only mount", "bind @/vol @/merged/vol;ro @/merged/vol", NULL, NULL, "/vol/v", "@/vol/v", 1, 0 },
    { "a mount below", "bind @/vol @/merged/a/b", NULL, NULL, "/a", "@/merged/a", 0, 1 },
    { "two mounts below", "bind @/vol @/merged/a/b;bind @/data @/merged/a/c", NULL, NULL, "/a", "@/merged/a", 0, 2 },
    { "a hidden mount below does not count", "bind @/vol @/merged/a/b;bind @/data @/merged/a", NULL, NULL, "/a",
      "@/data",
      0, 0 },
    { "a tmpfs of the runner's below", "tmpfs @/merged/a/b", NULL, NULL, "/a", "nested", 0, 0 },
    { "a tmpfs of the runner's", "tmpfs @/merged/a/b", NULL, NULL, "/a/b", "foreign", 0, 0 },
    { "beside a mount of the same beginning", "bind @/vol @/merged/a/b;", NULL, NULL, "/a/c", "@/merged/a/c", 0, 0 },
    { "the first writable of two candidates", "bind @/data @/merged/x", NULL,
      "dir @/again;bind @/data @/again", "/x", "@/data", 0, 0 },
    { "a directory bound onto itself", "bind @/data @/merged/x", NULL, "bind @/data @/data", "/x/d", "@/data/d", 0, 0 },
    { "a candidate covered by a tmpfs, another left", "bind @/data @/merged/x", NULL,
      "dir @/again;bind @/data @/again;tmpfs @/data", "/x/d", "@/again/d", 0, 0 },
    { "the only candidate covered", "bind @/data @/merged/x", NULL, "tmpfs @/data", "/x/d", "foreign", 0, 0 },
    { "the only candidate covered further up", "bind @/data/d @/merged/x", NULL, "tmpfs @/data", "/x/g", "foreign", 0,
      0 },
    { "a read-only candidate and a writable one", "bind @/data @/merged/x", NULL,
      "dir @/again;bind @/data @/again;ro @/again", "/x/f", "@/data/f", 0, 0 },
    { "a host mount that the runner does not see", "bind @/data @/merged/x", NULL, "tmpfs @/data/d", "/x", "nested", 0,
      0 },
    { "a host mount beside", "bind @/data @/merged/x", NULL, "tmpfs @/data/d", "/x/f", "@/data/f", 0, 0 },
    { "a directory that was removed", "dir @/data/e;bind @/data/e @/merged/x", NULL, "rmdir @/data/e", "/x", "foreign",
      0,
      0 },
    { "a directory removed and made anew", "dir @/data/e;bind @/data/e @/merged/x", NULL,
      "rmdir @/data/e;dir @/data/e", "/x", "foreign", 0, 0 },
    { "a renamed-over file", "bind @/data/f @/merged/single", NULL, "rm @/data/f;file @/data/f other", "/single",
      "foreign", 0, 0 },
    { "a host mount below the root that the runner does not see", "", NULL, "tmpfs @/merged/x", "/", "nested", 0,
      0 },
    { "a volume that is a file system of its own", "tmpfs @/merged/x", NULL, NULL, "/x", "foreign", 0, 0 },
    { "missing", "", NULL, NULL, "/nope", "missing", 0, 0 },
};

static void check_host(void **state)
{
    const struct host_case *h = *state;
    have_runner(0, h->before, h->after, h->host);
    char *want = expand(h->answer);
    for (size_t i = 0; i < COUNT(back_ends); i++) {
        int ro;
        size_t below;
        char *got = host_of(h->source, back_ends[i], &ro, &below);
        if (strcmp(got, want) || (*want == '/' && (ro != h->ro || below != h->below)))
            flunk("%s on back end %u: wanted %s ro %d below %zu, got %s ro %d below %zu", h->source, back_ends[i],
                  want, h->ro, h->below, got, ro, below);
        if (*got == '/')
            assert_same(got, inside(h->source));
    }
    if (*want != '/')
        refused(textf("-H %s", h->source), h->answer, h->source);
    else if (h->below)
        refused(textf("-H %s", h->source), "nested", "/a/b");
    else if (h->ro) {
        expect(textf("-H %s", h->source), 1, "", "read-only");
        expect(textf("-f json -H %s", h->source), 0,
               textf("{\"source\":\"%s\",\"rule\":\"proc\",\"kind\":\"single\",\"path\":\"%s\","
                     "\"type\":\"file\",\"ro\":true}\n", h->source, want), "");
        expect(textf("-H -R %s", h->source), 0, textf("%s\n", want), "");
        expect(textf("-v %s:/t", h->source), 0, textf("%s:/t:ro\n", want), "");
    } else {
        expect(textf("-H %s", h->source), 0, textf("%s\n", want), "");
        expect(textf("-v %s:/t", h->source), 0, textf("%s:/t\n", want), "");
    }
}

static void specs_expand(void **state)
{
    (void)state;
    start_runner(0, "bind @/vol @/merged/a/b;bind @/data @/merged/a/b/sub;ro @/merged/a/b/sub;"
        "bind @/data/d @/merged/a/c");
    expect("-v /a:/t", 0, "@/merged/a:/t\n@/vol:/t/b\n@/data:/t/b/sub:ro\n@/data/d:/t/c\n", "");
    expect("-v /a:/t:ro", 0, "@/merged/a:/t:ro\n@/vol:/t/b:ro\n@/data:/t/b/sub:ro\n@/data/d:/t/c:ro\n", "");
    expect("-R -v /a:/t", 0, "@/merged/a:/t:ro\n@/vol:/t/b:ro\n@/data:/t/b/sub:ro\n@/data/d:/t/c:ro\n", "");
    expect("--mount type=bind,src=/a,dst=/t", 0,
           "type=bind,src=@/merged/a,dst=/t\ntype=bind,src=@/vol,dst=/t/b\n"
           "type=bind,src=@/data,dst=/t/b/sub,readonly\ntype=bind,src=@/data/d,dst=/t/c\n", "");
    expect("--mount type=bind,src=/a,dst=/t,bind-nonrecursive", 0,
           "type=bind,src=@/merged/a,dst=/t,bind-nonrecursive\n", "");
    struct ran r = tool("-p $PID -f oci -v /a:/t");
    static const char *const parts[] = {
        "\"destination\":\"/t\"", "\"destination\":\"/t/b\"", "\"destination\":\"/t/b/sub\"", "\"destination\":\"/t/c\""
    };
    assert_int_equal(r.status, 0);
    const char *where = r.out;
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!(where = strstr(where, parts[i])))
            flunk("oci: %s not in its place: %s", parts[i], r.out);
    where = strstr(r.out, "/t/b/sub");
    assert_true(where && strstr(where, "\"ro\"") && strstr(where, "\"ro\"") < strstr(where, "/t/c"));
    /* an explicit one with the same target wins */
    expect("-v /a:/t -v /m:/t/c", 0, "@/merged/a:/t\n@/vol:/t/b\n@/data:/t/b/sub:ro\n@/merged/m:/t/c\n", "");
    refused("-H /a", "nested", "/a/b");
    refused("-H /single /a", "nested", "/a/b");
}

static void thousands_of_mounts(void **state)
{
    (void)state;
    start_runner(0, "bind @/data @/merged/x;tmpfs @/merged/w");
    char script[128];
    for (int i = 0; i < 5000; i++) {
        snprintf(script, sizeof script, "dir /w/%d;bindone /m /w/%d", i, i);
        order_must(script);
    }
    order_must("bind /x /a/b");
    int ro;
    size_t below;
    assert_string_equal(host_of("/x/d/g", 0, &ro, &below), at("data/d/g"));
    assert_string_equal(host_of("/w/4999", 0, &ro, &below), at("merged/m"));
    assert_string_equal(host_of("/a", 0, &ro, &below), at("merged/a"));
    assert_int_equal(below, 1);
    expect("-v /a:/t", 0, "@/merged/a:/t\n@/data:/t/b\n", "");
}

static atomic_bool enough;

static void *churn(void *arg)
{
    (void)arg;
    while (!enough) {
        order("bind /vol /x");
        order("bindone /m /a/c");
        order("umount /x");
        order("umount /a/c");
    }
    return NULL;
}

/* The source is opened on its own: what the answer names must be what the descriptor pins. */
static void mount_churn(void **state)
{
    (void)state;
    pthread_t thread;
    static struct dindbind_result res;
    int right = 0;
    must("file @/data/where data;file @/vol/where vol");
    start_runner(0, "bind @/data @/merged/a/b;bind @/vol @/merged/vol");
    enough = false;
    pthread_create(&thread, NULL, churn, NULL);
    const char *wrong = NULL;
    for (int i = 0; i < 200 && !wrong; i++) {
        static const char *const sources[] = { "/a/b/where", "/x", "/vol/where", "/a/b/d" };
        struct dindbind_runner r = { .pid = world.pid };
        struct dindbind_mount *below = NULL;
        size_t nbelow;
        struct stat a, b;
        const char *source = sources[i % 4];
        if (dindbind_open(&r)) {
            wrong = "open";
            break;
        }
        r.caps |= back_ends[i / 4 % 4];
        if (!dindbind_resolve(&r, source, 0, &res) && !dindbind_host(&r, &res, &below, &nbelow)) {
            right++;
            if (fstat(res.fd, &a) || lstat(res.path, &b) || a.st_ino != b.st_ino || a.st_dev != b.st_dev)
                wrong = textf("%s: %s", source, res.path);
        }
        free(below);
        dindbind_release(&res);
        dindbind_close(&r);
        if (i % 8 == 0) {
            struct ran t = tool("-p $PID -H /a/b/where");
            if (!t.status && strcmp(t.out, expand("@/data/where\n")))
                wrong = t.out;
        }
    }
    enough = true;
    pthread_join(thread, NULL);
    if (wrong || !right)
        flunk("%s (%d right)", wrong ? wrong : "never an answer", right);
}

/* ---- A kernel without the calls that make a stage (tests/old_kernel.c) ------------------------------------ */

/* Refused with a reason, never answered in another way, and nothing is left. */
static void stage_refused(const char *args)
{
    struct ran r = tool(textf("-p $PID %s", args)), json = tool(textf("-p $PID -f json %s", args));
    bool said = strstr(r.err, "lacks a system call") || strstr(r.err, "no permission");
    if (r.status != 3 || *r.out || !said || json.status != 3 ||
        !(strstr(json.out, "\"error\":\"kernel\"") || strstr(json.out, "\"error\":\"denied\"")))
        flunk("a stage without the system calls: %d %s%s%s", r.status, r.out, r.err, json.out);
    struct stat st;
    if (!lstat(at("st"), &st) || errno != ENOENT || strstr(slurp("/proc/self/mountinfo"), textf(" %s ", at("st"))))
        flunk("something is left of the stage");
}

/* ==== stages ============================================================================================ */

static size_t rows_of(pid_t pid)
{
    size_t n = 0;
    char *text = slurp(textf("/proc/%d/mountinfo", pid));
    for (char *p = text; p && (p = strchr(p, '\n')); p++)
        n++;
    return n;
}

static void unstage_all(const char *name)
{
    struct ran r = tool(textf("-u %s", at(name)));
    if (r.status || *r.out || *r.err)
        flunk("-u %s: %d, %s%s", name, r.status, r.out, r.err);
    gone(at(name));
}

struct stage_case {
    const char *name;
    int kind;                   /* of the runner */
    const char *before, *after;
    const char *source;
    const char *args;           /* besides -s and the source */
    const char *reads;          /* staged path + this ... */
    const char *text;           /*                   ... reads so; NULL: not a file */
    const char *writes;         /* a new file there: seen in the runner, or EROFS when `ro` */
    int ro;
};

static const struct stage_case stage_cases[] = {
    { "stage a directory", 0, "", NULL, "/m", "", "/one", "1", "/new", 0 },
    { "stage a file", 0, "", NULL, "/file", "", "", "low", NULL, 0 },
    { "stage a socket", 0, "", NULL, "/sock", "", "", NULL, NULL, 0 },
    { "stage a fifo", 0, "", NULL, "/fifo", "", "", NULL, NULL, 0 },
    { "stage a volume", 0, "bind @/vol @/merged/vol", NULL, "/vol", "", "/v", "volume", "/new", 0 },
    { "stage a file bind", 0, "bind @/data/f @/merged/single", NULL, "/single", "", "", "data", NULL, 0 },
    { "stage the root", 0, "bind @/vol @/merged/vol", NULL, "/", "", "/vol/v", "volume", "/m/new", 0 },
    { "stage a tmpfs of the runner's", 0, "tmpfs @/merged/x", "file /x/t tmp", "/x", "", "/t", "tmp", "/new", 0 },
    { "stage with a volume below", 0, "bind @/vol @/merged/a/b", NULL, "/a", "", "/b/v", "volume", "/b/new", 0 },
    { "stage with a tmpfs below", 0, "tmpfs @/merged/a/b", "file /a/b/t tmp", "/a", "", "/b/t", "tmp", "/b/new", 0 },
    { "stage -R", 0, "", NULL, "/m", "-R", "/one", "1", "/new", 1 },
    { "stage -R, below a submount", 0, "bind @/vol @/merged/a/b", NULL, "/a", "-R", "/b/v", "volume", "/b/new", 1 },
    { "stage a read-only mount", 0, "bind @/vol @/merged/vol;ro @/merged/vol", NULL, "/vol", "", "/v", "volume", "/new",
      1 },
    { "stage with a read-only mount below", 0, "bind @/vol @/merged/a/b;ro @/merged/a/b", NULL, "/a", "", "/b/v",
      "volume",
      "/b/new", 1 },
    { "stage a read-only mount with a writable volume below", 0,
      "bind @/merged/a @/merged/a;ro @/merged/a;bind @/vol @/merged/a/b", NULL, "/a", "", "/b/v", "volume", "/b/new",
      0 },
    { "stage a bind row with a volume below", 0, "bind @/vol @/merged/a/b", NULL, "/a", "-b @/merged/a:/a", "/b/v",
      "volume", "/b/new", 0 },
    { "stage of a shared runner", 0, "bind @/vol @/merged/a/b", "shared /", "/a", "", "/b/v", "volume", "/b/new", 0 },
    { "stage of a slave runner", 0, "bind @/vol @/merged/a/b", "shared /;slave /", "/a", "", "/b/v", "volume", "/b/new",
      0 },
    { "stage of a chrooted runner", CHROOTED, "bind @/vol @/merged/a/b", NULL, "/a", "", "/b/v", "volume", "/b/new",
      0 },
    { "stage of a runner in a user namespace", OWN_USER, "bind @/vol @/merged/a/b", NULL, "/a", "", "/b/v", "volume",
      "/b/new", 0 },
    { "stage -R of a runner in a user namespace", OWN_USER, "bind @/vol @/merged/a/b", NULL, "/a", "-R", "/b/v",
      "volume", "/b/new", 1 },
};

/* Stage, compare, write both ways, take down; the runner keeps all it had. */
static void check_stage(void **state)
{
    const struct stage_case *c = *state;
    struct stat st;
    have_runner(c->kind, c->before, c->after, NULL);
    if (no_stages()) {
        stage_refused(textf("-s @/st %s %s", c->args, c->source));
        return;
    }
    size_t rows = rows_of(world.pid);
    char *staged = at("st/0");
    expect(textf("-s @/st %s %s", c->args, c->source), 0, "@/st/0\n", "");
    assert_same(staged, inside(c->source));
    if (lstat(at("st"), &st) || (st.st_mode & 07777) != 0700)
        flunk("the stage has mode %o", st.st_mode & 07777);
    if (c->text && !is_text(textf("%s%s", staged, c->reads), c->text))
        flunk("%s%s does not read %s", staged, c->reads, c->text);
    if (c->writes) {
        char *there = textf("%s%s", staged, c->writes);
        bool written = put_file(there, "from the stage");
        if (written == (c->ro != 0) || (!written && errno != EROFS))
            flunk("writing to %s: %s", there, written ? "works" : strerror(errno));
        if (written && !is_text(inside(textf("%s%s", c->source, c->writes)), "from the stage"))
            flunk("the runner does not see what the stage got");
        if (written && !put_file(inside(textf("%s%s", c->source, c->writes)), "and back"))
            flunk("cannot write in the runner: %s", strerror(errno));
        if (written && !is_text(there, "and back"))
            flunk("the stage does not see what the runner wrote");
    }
    unstage_all("st");
    if (rows_of(world.pid) != rows)
        flunk("the runner had %zu mounts and has %zu", rows, rows_of(world.pid));
    if (c->text && !is_text(inside(textf("%s%s", c->source, c->reads)), c->text))
        flunk("the runner has lost %s%s", c->source, c->reads);
    unstage_all("st");
}

/* A mount of the host's below the source is no secret where the runner has it too. */
static void mounts_of_both(void **state)
{
    (void)state;
    must("tmpfs @/data/d;file @/data/d/h host");
    start_runner(0, "bind @/data @/merged/x");
    refused("-H /x", "nested", "/x/d");
    expect("-v /x:/t", 0, "@/data:/t\n@/data/d:/t/d\n", "");
}

/* A tmpfs that the host has, bound whole: its mountinfo root is "/". */
static void whole_file_system(void **state)
{
    (void)state;
    must("tmpfs @/vol;dir @/vol/sub;file @/vol/v own");
    start_runner(0, "bind @/vol @/merged/x");
    expect("-H /x", 0, "@/vol\n", "");
    expect("-H /x/sub /x/v", 0, "@/vol/sub\n@/vol/v\n", "");
    expect("-v /x:/t", 0, "@/vol:/t\n", "");
    must("tmpfs @/vol/sub");
    refused("-H /x", "nested", "/sub");
}

/* The control: without MS_SLAVE, taking a stage of a shared runner down takes the runner's volume along. */
static void control_without_slave(void **state)
{
    (void)state;
    start_runner(0, "bind @/vol @/merged/a/b");
    order_must("shared /");
    must("dir @/st;tmpfs @/st;dir @/st/0");
    int source = open(inside("/a"), O_PATH | O_CLOEXEC), pair[2];
    size_t rows = rows_of(world.pid);
    assert_true(source >= 0 && !pipe2(pair, O_CLOEXEC));
    int ns = open(textf("/proc/%d/ns/mnt", world.pid), O_RDONLY | O_CLOEXEC);
    long child = syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, NULL);
    if (!child) {
        int tree = syscall(SYS_setns, ns, CLONE_NEWNS) ? -1 : tree_clone(source);
        syscall(SYS_write, pair[1], &tree, sizeof tree);
        syscall(SYS_exit_group, 0);
    }
    int tree = -1;
    assert_int_equal(read(pair[0], &tree, sizeof tree), sizeof tree);
    waitpid((pid_t)child, NULL, __WALL);
    int to = open(at("st/0"), O_PATH | O_CLOEXEC);
    assert_true(tree >= 0 && to >= 0 && !attach(tree, to, ""));
    close(tree);
    close(to);
    close(source);
    close(ns);
    close(pair[0]);
    close(pair[1]);
    must("umount @/st");
    if (rows_of(world.pid) >= rows)
        flunk("the control loses its point: the runner kept its mounts");
    unstage_all("st");
}

static void later_mounts_stay_out(void **state)
{
    (void)state;
    start_runner(0, "bind @/vol @/merged/vol");
    order_must("shared /");
    expect("-s @/st /a", 0, "@/st/0\n", "");
    size_t rows = rows_of(getpid());
    order_must("bind /vol /a/c");
    order_must("bind /vol /a/b");
    if (!access(at("st/0/c/v"), F_OK) || !access(at("st/0/b/v"), F_OK) || rows_of(getpid()) != rows)
        flunk("a mount that the shared runner makes later shows in the stage");
    order_must("umount /a/c");
    unstage_all("st");
    order_must("is /a/b/v volume;is /vol/v volume");
}

static void numbers(void **state)
{
    (void)state;
    start_runner(0, "");
    expect("-s @/st /m /file /a", 0, "@/st/0\n@/st/1\n@/st/2\n", "");
    unstage_all("st/1");
    assert_true(is_text(at("st/0/one"), "1"));
    unstage_all("st/1");
    unstage_all("st/2");
    expect("-s @/st /file", 0, "@/st/3\n", "");
    assert_same(at("st/0"), inside("/m"));
    assert_same(at("st/3"), inside("/file"));
    unstage_all("st/77");
    unstage_all("st");
    unstage_all("st/0");
    expect("-s @/st -v /m:/t -v name:/n --mount type=bind,src=/file,dst=/f", 0,
           "@/st/0:/t\nname:/n\ntype=bind,src=@/st/1,dst=/f\n", "");
    unstage_all("st");
}

/* What the runner sees at a row's place is staged where it is the same, else what the row names. */
static void rows_and_the_view(void **state)
{
    (void)state;
    start_runner(0, "bind @/vol @/merged/vol");
    expect("-b @/data:/nope -s @/st /nope", 0, "@/st/0\n", "");
    assert_same(at("st/0"), at("data"));
    unstage_all("st");
    expect("-b @/vol:/vol:ro -s @/st /vol", 0, "@/st/0\n", "");
    assert_same(at("st/0"), at("vol"));
    if (put_file(at("st/0/new"), "x") || errno != EROFS)
        flunk("what a row calls read-only can be written in the stage");
    unstage_all("st");
    expect("-b @/data:/nope -s @/st /nope /a", 0, "@/st/0\n@/st/1\n", "");
    assert_same(at("st/0"), at("data"));
    assert_same(at("st/1"), inside("/a"));
    unstage_all("st");
}

static void all_or_nothing(void **state)
{
    (void)state;
    start_runner(0, "");
    expect("-s @/st /m /nope /file", 1, "", "/nope");
    gone(at("st"));
    struct ran r = tool("-p $PID -f json -s @/st /m /nope /file");
    char *one = strstr(r.out, "\"error\":\"unstaged\""), *two = strstr(r.out, "\"error\":\"missing\"");
    if (r.status != 1 || !one || !two || one > two || !strstr(two, "\"error\":\"unstaged\""))
        flunk("%d %s", r.status, r.out);
    gone(at("st"));
    /* what others have there stays */
    expect("-s @/st /m", 0, "@/st/0\n", "");
    expect("-s @/st /file /nope", 1, "", "/nope");
    assert_same(at("st/0"), inside("/m"));
    unstage_all("st");
}

static void unsafe_dirs(void **state)
{
    static const struct { const char *dir, *word; } bad[] = {
        { "@/open/st", "unsafe" }, { "@/open/deep/st", "unsafe" }, { "@/link/st", "unsafe" }, { "@/vol", "unsafe" },
        { "/", "unsafe" }, { "@/data/f/st", "unsafe" }, { "@/data/f", "unsafe" }, { "@/nope/st", "unsafe" },
        { "@/link", "unsafe" }, { "@/wide", "unsafe" }, { "@/group/st", "unsafe" }, { "@/empty", "unsafe" },
        { "@/real/st", "unsafe" },
    };
    (void)state;
    must("dir @/open;dir @/open/deep;chmod @/open 777;dir @/real;link @/link real;dir @/wide;chmod @/wide 777;"
        "dir @/group;"
         "chmod @/group 775;dir @/sticky;chmod @/sticky 1777;dir @/empty;bindone @/real @/real;ro @/real");
    start_runner(0, "");
    size_t rows = rows_of(getpid());
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ran r = tool(textf("-p $PID -f json -s %s /m", bad[i].dir));
        if (!r.status || !strstr(r.out, textf("\"error\":\"%s\"", bad[i].word)))
            flunk("-s %s: %d %s", bad[i].dir, r.status, r.out);
        if (rows_of(getpid()) != rows)
            flunk("-s %s: something stays mounted", bad[i].dir);
    }
    struct ran r = tool("-p $PID -s relative /m");
    if (!r.status || *r.out)
        flunk("a relative DIR: %d %s", r.status, r.out);
    static struct dindbind_result res;
    struct dindbind_result *const one[] = { &res };
    struct dindbind_runner lib = { .pid = world.pid };
    int err;
    assert_int_equal(dindbind_open(&lib), 0);
    assert_int_equal(dindbind_resolve(&lib, "/m", DINDBIND_TO_STAGE, &res), 0);
    assert_int_not_equal(dindbind_stage(&lib, "relative", one, 1, &err), 0);
    dindbind_release(&res);
    dindbind_close(&lib);
    expect("-s @/sticky/st /m", 0, "@/sticky/st/0\n", "");
    unstage_all("sticky/st");
    must("chmod @/empty 700");
    expect("-s @/empty /m", 0, "@/empty/0\n", "");
    unstage_all("empty");
    /* -u: not a stage, and not empty */
    static const char *const no_stage[] = { "-u @/vol", "-u @/vol/v", "-u @/merged", "-u @/link", "-u /" };
    for (size_t i = 0; i < COUNT(no_stage); i++) {
        r = tool(no_stage[i]);
        if (r.status != 1 || *r.out || !*r.err)
            flunk("%s: status %d, %s", no_stage[i], r.status, r.err);
    }
    must("is @/vol/v volume;is @/merged/m/one 1");
    assert_int_equal(rows_of(getpid()), rows);
}

static void foreign_owner(void **state)
{
    (void)state;
    need_root("only root can give a directory away");
    must("dir @/theirs;dir @/theirs/own");
    assert_int_equal(chown(at("theirs"), 1234, 1234), 0);
    start_runner(0, "");
    refused("-s @/theirs/st /m", "unsafe", "theirs");
    refused("-s @/theirs/own/st /m", "unsafe", "theirs");
    refused("-s @/theirs /m", "unsafe", "theirs");
    /* a root that is somebody else's, where everybody is who he is */
    assert_int_equal(chown("/", 1234, 1234), 0);
    struct ran r = tool("-p $PID -f json -s @/st /m");
    assert_int_equal(chown("/", 0, 0), 0);
    if (!r.status || !strstr(r.out, "\"error\":\"unsafe\""))
        flunk("below a root of somebody else's: %d %s", r.status, r.out);
}

/* ---- Layers, with no live task ------------------------------------------------------------------------- */

#define LAYERS_VIEW "-p 0 -o lowerdir=@/l2:@/l1,upperdir=@/up,workdir=@/work$USERXATTR "

static void stage_layers(void **state)
{
    (void)state;
    world.pid = 0;
    must("dir @/l2/q;wh @/l2/q/gone;file @/l2/q/kept z");
    struct ran r = tool(LAYERS_VIEW "-f json /q");
    if (r.status != 1 || !strstr(r.out, "\"inexact\""))
        flunk("whiteouts only: %d %s", r.status, r.out);
    r = tool(LAYERS_VIEW "-s @/st /m /w /m/one /up /");
    if (r.status != 1 || *r.out)
        flunk("/up is not in any layer: %d %s", r.status, r.out);
    gone(at("st"));
    r = tool(LAYERS_VIEW "-s @/st /m /w /m/one / /q");
    if (r.status)                /* numbers may have gaps: an overlay takes one for a moment */
        flunk("layers: %d %s%s", r.status, r.out, r.err);
    char *line[5], *save = NULL;
    for (int i = 0; i < 5; i++)
        line[i] = strtok_r(i ? NULL : r.out, "\n", &save);
    assert_non_null(line[4]);
    assert_true(is_text(textf("%s/one", line[0]), "1") && is_text(textf("%s/two", line[0]), "2"));
    assert_true(is_text(textf("%s/kept", line[1]), "y") && access(textf("%s/gone", line[1]), F_OK));
    assert_true(is_text(line[2], "1"));
    assert_true(is_text(textf("%s/m/two", line[3]), "2") && access(textf("%s/w/gone", line[3]), F_OK));
    assert_true(is_text(textf("%s/kept", line[4]), "z") && access(textf("%s/gone", line[4]), F_OK));
    for (int i = 0; i < 5; i++)
        if (put_file(i == 2 ? line[i] : textf("%s/new", line[i]), "x") || errno != EROFS)
            flunk("%s can be written", line[i]);
    unstage_all("st");
    must("is @/l1/m/one 1;is @/l1/w/gone x;is @/l2/m/two 2");
    /* from the upperdir: one directory, written for good */
    must("dir @/up/u;file @/up/u/f up");
    r = tool(LAYERS_VIEW "-s @/st /u");
    if (r.status || !put_file(at("st/0/new"), "written") || !is_text(at("up/u/new"), "written"))
        flunk("upperdir: %d %s%s", r.status, r.out, r.err);
    unstage_all("st");
}

static void stage_metacopy(void **state)
{
    (void)state;
    need_root("trusted.overlay.* needs the initial user namespace");
    world.pid = 0;
    assert_int_equal(umount(at("merged")), 0);
    must("dir @/work2;file @/l1/big content;dir @/l1/dir;file @/l1/dir/in inside");
    char *words = textf("lowerdir=%s:%s,upperdir=%s,workdir=%s,metacopy=on,redirect_dir=on", at("l2"), at("l1"),
                          at("up"), at("work2"));
    assert_int_equal(mount("o", at("merged"), "overlay", 0, words), 0);
    must("chmod @/merged/big 640");
    assert_int_equal(rename(at("merged/big"), at("merged/moved")), 0);
    assert_int_equal(rename(at("merged/dir"), at("merged/other")), 0);
    assert_int_equal(umount(at("merged")), 0);
    struct ran r = tool(textf("-p 0 -o %s -s @/st /moved /other", words));
    char *save = NULL, *one = r.status ? NULL : strtok_r(r.out, "\n", &save), *two = strtok_r(NULL, "\n", &save);
    struct stat st;
    if (!one || !two || !is_text(one, "content") || stat(one, &st) || (st.st_mode & 07777) != 0640 ||
        !is_text(textf("%s/in", two), "inside"))
        flunk("%d %s%s", r.status, r.out, r.err);
    unstage_all("st");
}

/* ---- Many at once, and crashes ------------------------------------------------------------------------- */

static _Noreturn void stage_in_a_loop(int me, int rounds, int mode)
{
    static const char *const sources[] = { "/m", "/file", "/vol", "/sock" };
    struct dindbind_runner r = { .pid = world.pid };
    static struct dindbind_result res[2];
    struct dindbind_result *list[] = { &res[0], &res[1] };
    char *dir = at("st");
    int err, bad = dindbind_open(&r) != 0;
    for (int i = 0; !bad && (rounds < 0 || i < rounds); i++) {
        const char *a = sources[(me + i) % 4], *b = sources[(me + i + 1) % 4];
        if (dindbind_resolve(&r, a, 0, &res[0]) || dindbind_resolve(&r, b, 0, &res[1]))
            bad = 2;
        int rc = bad ? 0 : dindbind_stage(&r, dir, list, 2, &err);
        if (rc) {
            fprintf(stderr, "stage: %s, errno %d\n", dindbind_word(rc), err);
            bad = 3;
        } else if (!bad && mode < 2) {
            if (!same_file(res[0].path, inside(a)) || !same_file(res[1].path, inside(b))) {
                fprintf(stderr, "%s, %s: wrong\n", res[0].path, res[1].path);
                bad = 4;
            }
            if ((mode == 1 || i % 2) && dindbind_unstage(NULL, res[0].path, &err))
                bad = 5;
        } else if (!bad && i % 3 == 0 && (rc = dindbind_unstage(NULL, i % 2 ? dir : res[0].path, &err))) {
            fprintf(stderr, "unstage %s: %s, errno %d\n", i % 2 ? "all" : "one", dindbind_word(rc), err);
            bad = 6;
        }
        dindbind_release(&res[0]);
        dindbind_release(&res[1]);
        pooled = 1 << 20;
    }
    _exit(bad);
}

static void many_at_once(void **state)
{
    enum { MANY = 8, ROUNDS = 40 };
    pid_t pid[MANY];
    int bad = 0, status;
    (void)state;
    start_runner(0, "bind @/vol @/merged/vol");
    for (int i = 0; i < MANY; i++)
        if (!(pid[i] = fork()))
            stage_in_a_loop(i, ROUNDS, i & 1);
    for (int i = 0; i < MANY; i++)
        if (waitpid(pid[i], &status, 0) != pid[i] || status)
            bad = status ? status : -1;
    if (bad)
        flunk("one of them failed: status %x", bad);
    /* one left of every second round for half of them, both second ones of the rest: all distinct */
    DIR *d = opendir(at("st"));
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += *e->d_name >= '0' && *e->d_name <= '9';
    if (d)
        closedir(d);
    assert_int_equal(n, MANY / 2 * ROUNDS + MANY / 2 * ROUNDS / 2 * 3);
    unstage_all("st");
    order_must("is /vol/v volume");
}

/* Whole stages come and go while others stage: right or refused, and nothing stays. */
static void stage_against_unstage(void **state)
{
    enum { MANY = 4 };
    pid_t pid[MANY], remover;
    int status, bad = 0;
    (void)state;
    start_runner(0, "bind @/vol @/merged/vol");
    for (int i = 0; i < MANY; i++)
        if (!(pid[i] = fork()))
            stage_in_a_loop(i, 60, 2);
    if (!(remover = fork()))
        for (char *dir = at("st");;) {
            int err, rc = dindbind_unstage(NULL, dir, &err);
            if (rc) {
                fprintf(stderr, "unstage: %s, errno %d\n", dindbind_word(rc), err);
                _exit(7);
            }
        }
    for (int i = 0; i < MANY; i++)
        if (waitpid(pid[i], &status, 0) != pid[i] || status)
            bad = status ? status : -1;
    kill(remover, SIGKILL);
    waitpid(remover, &status, 0);
    if (bad || !WIFSIGNALED(status))
        flunk("status %x, of the remover %x", bad, status);
    unstage_all("st");
    order_must("is /vol/v volume");
}

static void crashes(void **state)
{
    (void)state;
    unsigned seed = 7;
    start_runner(0, "bind @/vol @/merged/a/b;bind @/vol @/merged/vol");
    order_must("shared /");
    size_t rows = rows_of(getpid()), theirs = rows_of(world.pid);
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();
        if (!pid)
            stage_in_a_loop(i, -1, 2);
        usleep((useconds_t)(rand_r(&seed) % 12000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        unstage_all("st");
        if (rows_of(getpid()) != rows || rows_of(world.pid) != theirs)
            flunk("crash %d: mounts %zu and %zu, were %zu and %zu", i, rows_of(getpid()), rows_of(world.pid), rows,
                  theirs);
        pooled = 1 << 20;
    }
    order_must("is /a/b/v volume");
}

/* ---- The caller ---------------------------------------------------------------------------------------- */

static char *link_of(const char *path)
{
    char *to = textf("%255s", "");
    ssize_t n = readlink(path, to, 255);
    to[n < 0 ? 0 : n] = 0;
    return to;
}

static volatile sig_atomic_t child_signals, strays;
static pid_t caller;

/* The child of a staging call has the caller's memory and handlers, which must not run in it. */
static void on_stray(int sig)
{
    (void)sig;
    strays += getpid() != caller;
}

/* Whatever child this thread has just now. */
static bool signal_child(pid_t tid)
{
    char path[80], text[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool found = fd >= 0 && read(fd, text, sizeof text - 1) > 0 && !kill(atoi(text), SIGUSR1);
    close(fd);
    return found;
}

static void on_child(int sig)
{
    (void)sig;
    child_signals++;
}

/* What a call must leave alone. */
struct watch {
    pid_t tid;
    atomic_bool stop, done;
    atomic_int moved, looks, children;
    char cwd[256], root[256], ns[256];
};

static bool is_link(const char *path, const char *want)
{
    char to[256];
    ssize_t n = readlink(path, to, sizeof to - 1);
    if (n < 0)
        return false;
    to[n] = 0;
    return !strcmp(to, want);
}

static void *watch(void *arg)
{
    struct watch *w = arg;
    static const char *const kinds[] = { "cwd", "root", "ns/mnt" };
    while (!w->stop) {
        for (int i = 0; i < 6; i++) {
            char path[80];
            const char *want = i % 3 == 0 ? w->cwd : i % 3 == 1 ? w->root : w->ns;
            if (i < 3)
                snprintf(path, sizeof path, "/proc/self/task/%d/%s", w->tid, kinds[i]);
            else
                snprintf(path, sizeof path, "/proc/thread-self/%s", kinds[i - 3]);
            if (!is_link(path, want))
                w->moved++;
            w->children += w->tid != caller && signal_child(w->tid);
        }
        w->looks++;
    }
    w->done = true;
    return NULL;
}

static void *stage_often(void *arg)
{
    struct watch *w = arg;
    static struct dindbind_result res[3];
    struct dindbind_result *list[] = { &res[0], &res[1], &res[2] };
    static const char *const sources[] = { "/m", "/a", "/file" };
    struct dindbind_runner r = { .pid = world.pid };
    char dir[128];
    int err, bad = 0;
    snprintf(dir, sizeof dir, "%s/st", world.dir);
    w->tid = (pid_t)syscall(SYS_gettid);
    sigset_t odd, is;
    sigemptyset(&odd);
    sigaddset(&odd, SIGRTMIN + 3);
    sigaddset(&odd, SIGSEGV);
    pthread_sigmask(SIG_SETMASK, &odd, NULL);
    while (!w->looks)
        sched_yield();
    for (int i = 0; !bad && i < 100; i++) {
        bad = dindbind_open(&r) != 0;
        for (int k = 0; !bad && k < 3; k++)
            bad = dindbind_resolve(&r, sources[k], 0, &res[k]) ? 2 : 0;
        if (!bad)
            bad = dindbind_stage(&r, dir, list, 3, &err) ? 3 : 0;
        pthread_sigmask(SIG_SETMASK, NULL, &is);
        for (int sig = 1; !bad && sig <= SIGRTMAX; sig++)
            bad = sigismember(&is, sig) != sigismember(&odd, sig) ? 5 : 0;
        for (int k = 0; k < 3; k++)
            dindbind_release(&res[k]);
        dindbind_close(&r);
        if (!bad)
            bad = dindbind_unstage(NULL, dir, &err) ? 4 : 0;
    }
    w->stop = true;             /* before this thread's entry in /proc goes */
    while (!w->done)
        sched_yield();
    return (void *)(intptr_t)bad;
}

static void threaded_caller(void **state)
{
    static struct watch w;
    pthread_t watcher, worker;
    void *bad = NULL;
    (void)state;
    w = (struct watch){ .tid = getpid() };
    start_runner(0, "bind @/vol @/merged/a/b");
    order_must("shared /");
    assert_int_equal(chdir(at("data")), 0);
    snprintf(w.cwd, sizeof w.cwd, "%s", link_of("/proc/self/cwd"));
    snprintf(w.root, sizeof w.root, "%s", link_of("/proc/self/root"));
    snprintf(w.ns, sizeof w.ns, "%s", link_of("/proc/self/ns/mnt"));
    struct sigaction old, old_stray, act = { .sa_handler = on_child }, stray = { .sa_handler = on_stray };
    sigaction(SIGCHLD, &act, &old);
    sigaction(SIGUSR1, &stray, &old_stray);
    child_signals = strays = 0;
    caller = getpid();
    int before = count_descriptors();
    mode_t mask = umask(027);
    pthread_create(&watcher, NULL, watch, &w);
    pthread_create(&worker, NULL, stage_often, &w);
    pthread_join(worker, &bad);
    pthread_join(watcher, NULL);
    bool masked = umask(mask) == 027;
    sigaction(SIGCHLD, &old, NULL);
    sigaction(SIGUSR1, &old_stray, NULL);
    if (chdir("/") || bad || w.moved || !masked || child_signals || strays || count_descriptors() != before)
        flunk("step %d failed, moved %d times, %d signals, %d in one of %d children, %d descriptors, were %d",
              (int)(intptr_t)bad, w.moved, (int)child_signals, (int)strays, w.children, count_descriptors(), before);
    gone(at("st"));
}

/* A SIGCHLD that is ignored, and one that reaps everything, do not disturb it. */
static void ignored_children(void **state)
{
    (void)state;
    start_runner(0, "");
    pid_t pid = fork();
    if (!pid) {
        signal(SIGCHLD, SIG_IGN);
        stage_in_a_loop(0, 20, 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    unstage_all("st");
}

static bool close_std(void)
{
    close(0);
    close(1);
    close(2);
    return true;
}

static bool close_stdin(void)
{
    return !close(0);
}

/* With nothing to write to the tool fails, and leaves no stage; with no standard input it works. */
static void closed_descriptors(void **state)
{
    (void)state;
    start_runner(0, "bind @/vol @/merged/a/b");
    struct ran r = tool_with("-p $PID -s @/st /a /file", close_stdin);
    if (r.status || strcmp(r.out, expand("@/st/0\n@/st/1\n")))
        flunk("no standard input: %d %s%s", r.status, r.out, r.err);
    assert_same(at("st/0"), inside("/a"));
    assert_same(at("st/1"), inside("/file"));
    unstage_all("st");
    r = tool_with("-p $PID -s @/st /a /file", close_std);
    if (!r.status)
        flunk("no standard output: status 0");
    gone(at("st/0"));
    gone(at("st/1"));
    unstage_all("st");
    r = tool("-p $PID -s @/st /m /a%%n");
    assert_int_equal(r.status, 1);
    gone(at("st"));
    /* the library with none of the three */
    pid_t pid = fork();
    if (!pid) {
        close_std();
        stage_in_a_loop(0, 5, 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_same(at("st/1"), inside("/file"));
    unstage_all("st");
}

static void after_the_runner(void **state)
{
    (void)state;
    start_runner(0, "bind @/vol @/merged/vol");
    expect("-s @/st /vol /file", 0, "@/st/0\n@/st/1\n", "");
    stop_runner();
    if (!is_text(at("st/0/v"), "volume") || !is_text(at("st/1"), "low"))
        flunk("the stage is gone with the runner");
    unstage_all("st");
    must("is @/vol/v volume");
}

/* The attack: between the answer and its use the runner swaps the directory for a link. */
static void swap_after_the_answer(void **state)
{
    (void)state;
    must("dir @/vol/job;file @/vol/job/f mine;dir @/secret;file @/secret/f secret");
    start_runner(0, "bind @/vol @/merged/vol");
    expect("-s @/st /vol/job", 0, "@/st/0\n", "");
    expect("-H /vol/job", 0, "@/vol/job\n", "");
    order_must("rm /vol/job/f;rmdir /vol/job");
    assert_int_equal(symlink(at("secret"), inside("/vol/job")), 0);
    assert_true(is_text(at("vol/job/f"), "secret"));
    if (!access(at("st/0/f"), F_OK))
        flunk("the stage follows the swap");
    unstage_all("st");
    must("is @/secret/f secret");
}

/* The kernel mounts nothing whose directory was removed (d_set_mounted(): ENOENT): refused, nothing stays. */
static void removed_source(void **state)
{
    (void)state;
    must("dir @/data/e");
    start_runner(0, "bind @/data/e @/merged/x");
    must("rmdir @/data/e");
    struct ran r = tool("-p $PID -f json -s @/st /x /m");
    if (r.status != 1 || !strstr(r.out, "\"error\":\"unstaged\""))
        flunk("%d %s%s", r.status, r.out, r.err);
    gone(at("st"));
}

static const struct { const char *name; void (*call)(void **); bool stages; } rest[] = {
    { "mounts below a spec become further specs", specs_expand, false },
    { "a runner with 5,000 mounts", thousands_of_mounts, false },
    { "mounts come and go in the runner", mount_churn, false },
    { "a volume that is a whole file system", whole_file_system, false },
    { "a mount below that runner and host have", mounts_of_both, false },
    { "control: a shared clone takes the runner's mounts along", control_without_slave, true },
    { "a stage does not show later mounts of a shared runner", later_mounts_stay_out, true },
    { "entries of a stage and their numbers", numbers, true },
    { "a stage of a row, and what the runner sees there", rows_and_the_view, true },
    { "a stage is all or nothing", all_or_nothing, true },
    { "directories that are not safe for a stage", unsafe_dirs, true },
    { "a stage below somebody else's directory", foreign_owner, false },
    { "a stage from layers alone", stage_layers, true },
    { "a stage from layers with metacopy and redirects", stage_metacopy, true },
    { "eight processes stage into one directory", many_at_once, true },
    { "stages come and go under those who stage", stage_against_unstage, true },
    { "killed in the middle, 50 times", crashes, true },
    { "a caller with threads, a working directory, SIGCHLD", threaded_caller, true },
    { "a caller that ignores SIGCHLD", ignored_children, true },
    { "standard descriptors closed", closed_descriptors, true },
    { "a stage outlives its runner", after_the_runner, true },
    { "a stage does not follow a swap", swap_after_the_answer, true },
    { "a stage of a removed directory", removed_source, true },
};

/* ==== main ============================================================================================== */

static bool enter_world(void)
{
    return own_mounts(world.base) && copy_tool(world.base) && own_root(world.base);
}

static void all(char **words)
{
    (void)words;
    for (size_t i = 0; i < COUNT(host_cases); i++)
        run_case(host_cases[i].name, check_host, begin, end, &host_cases[i]);
    for (size_t i = 0; i < COUNT(stage_cases); i++)
        run_case(stage_cases[i].name, check_stage, begin, end, &stage_cases[i]);
    for (size_t i = 0; i < COUNT(rest); i++)
        run_case(rest[i].name, rest[i].stages && no_stages() ? cannot_stage : rest[i].call, begin, end, NULL);
}

static int run_all(char **words)
{
    return run_all_in(enter_world, all, words);
}

int main(void)
{
    return run_in_child("host_and_stage", world.base, run_all, NULL);
}
