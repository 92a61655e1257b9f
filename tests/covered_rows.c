/* covered_rows.c - bind rows that cover one another, and answers that cannot be delivered
 *
 * SPDX-License-Identifier: 0BSD
 *
 * What reviews found: each case is a command that gave a wrong answer or left something behind.
 *
 * Black-box: the tool that $DINDBIND names (./dindbind) is run, where it lies: it may be a script around one, or an
 * emulator's. Everything happens in a mount namespace of the test's own (an ordinary user gets a user namespace for
 * it), on a tmpfs. $NO_STAGE says why there can be no stages. The last line on standard output counts what passed,
 * failed and was skipped.
 *
 * The strings of the table are templates, and scripts, in the little language of world.h.
 */
#define _GNU_SOURCE
#include "cases.h"

/* What each case finds in its directory. */
static const char house[] =
    "file h/w/sub/x base;dir h/w/sub/deep;file h/o/x other;dir h/v;dir h/v2;link h/w/link sub/x;"
    "file up/data/vol/x covered;link up/lx data/vol/x;link up/lnk data;dir m1/m;dir m2/m;dir l";

#define W "-b @/h/w:/w "
#define W_AND_SUB W "-b @/h/o:/w/sub "
#define W_AND_V W "-b @/h/v:/w/v "
#define LAYERS "-o lowerdir=@/l:@/m1,upperdir=@/up$USERXATTR "
#define ALIAS LAYERS "-b @/h/o:/alias/vol "
#define MOUNTED_ON "-R -o lowerdir=@/ml/2:@/ml/1$USERXATTR "
#define VOLUME(o, device) "type=volume,target=/t,volume-opt=type=none,volume-opt=o=" o ",volume-opt=device=" device

/* What an engine says of a container that has no ID in its mounts. */
#define INSPECT(pid, mounts) "[{`Id`:`0123456789abcdef`,`State`:{`Pid`:" pid "},`Mounts`:[" mounts "]," \
    "`GraphDriver`:{`Name`:`overlay2`,`Data`:{`MergedDir`:`/nowhere/x/merged`}}}]"
#define ONE_VOLUME INSPECT("0", "{`Type`:`volume`,`Source`:`@/vol`,`Destination`:`/v`,`RW`:true}")

/* Twenty names of 200 bytes and one of 71 are 4,092 bytes: a path of three more is as long as one can be. */
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME A50 A50 A50 A50
#define FOUR "/" NAME "/" NAME "/" NAME "/" NAME
#define TWENTY FOUR FOUR FOUR FOUR FOUR
#define LAST "/" A50 "aaaaaaaaaaaaaaaaaaaaa"

/* Records that are longer than any path, though they mean one; one with a NUL in it; and a description. */
enum { LONG = 40000 };
static char many_rows[1 << 20], long_records[4 * LONG + 100], long_with_nul[LONG + 100];

static const struct row {
    const char *name, *before;  /* a script */
    const char *args, *in;
    int status;
    const char *out, *err;      /* all of standard output; a part of standard error */
    const char *after;          /* a script */
    const char *to;             /* a file to have as standard output; "": a pipe that nobody reads */
    enum { NO_RUNNER, PIVOTED, ONLY_CHROOTED } runner;
    bool stages;
} rows[] = {
    /* rows in rows */
    { "a link in a row leads to where another row is mounted", .args = W_AND_SUB "/w/link", .status = 1 },
    { "the other row itself", .args = W_AND_SUB "/w/sub/x", .out = "@/h/o/x\n" },
    { "a link in a row that stays in it: the rows below its target count", "link h/w/self .", W_AND_SUB "-H /w/self",
      .status = 1 },
    { "a link in a row that stays in it, in a spec", "link h/w/self .", W_AND_SUB "-v /w/self:/x",
      .out = "@/h/w:/x\n@/h/o:/x/sub\n" },
    { "a control character of two bytes (U+009B, which starts a sequence) is not shown as it is",
      .args = W "/w/%c2%9b2J", .status = 1, .err = "dindbind: /w/\\302" },
    { "a target that becomes too long by what is mounted below", .args = W_AND_SUB "-v /w:" TWENTY LAST,
      .status = 1, .err = "too long a target" },
    { "a target that is as long as can be", .args = W_AND_SUB "-v /w:" TWENTY "/70",
      .out = "@/h/w:" TWENTY "/70\n@/h/o:" TWENTY "/70/sub\n" },
    { "an explicit spec covers what is below it", .args = W "-b @/h/v:/w/sub/y -b @/h/o:/o -v /w:/t -v /o:/t/sub",
      .out = "@/h/w:/t\n@/h/o:/t/sub\n" },
    { "of two rows below at one path the later one", .args = W_AND_V "-b @/h/v2:/w/v -v /w:/t",
      .out = "@/h/w:/t\n@/h/v2:/t/v\n" },
    { "type=Bind is a bind", .args = W "--mount type=Bind,source=/w,target=/t",
      .out = "type=Bind,source=@/h/w,target=/t\n" },
    { "a volume with o=rbind has one source: a mount below it would be lost",
      .args = W_AND_V "--mount " VOLUME("rbind", "/w"), .status = 1 },
    { "a volume with o=bind has no mounts below", .args = W_AND_V "--mount " VOLUME("bind", "/w"),
      .out = VOLUME("bind", "@/h/w") "\n" },
    { "a line break in a spec that passes", .args = W "-v vol:/t%0a/evil", .status = 1 },

    { "more rows below than a runner may have", .args = "-r - -v /w:/t", .in = many_rows, .status = 1,
      .err = "more than 4096" },

    /* descriptions */
    { "the directory of a volume that is empty once the engine has unmounted it", "dir vol", "-r - /v", ONE_VOLUME, 1,
      .err = "no path in this mount namespace" },
    { "the directory of a volume that is not empty", "file vol/x", "-r - /v", ONE_VOLUME, .out = "@/vol\n" },
    { "my own PID is no runner", .args = "-p $OWN -v @/h/w:/x", .status = 1,
      .err = "its paths need no translation; if you mean the host, say -b /:/" },
    { "my own PID, which is meant", .args = "-p $OWN -b /:/ -v @/h/w:/x", .out = "@/h/w:/x\n" },
    { "my own PID, and a PATH", .args = "-p $OWN @/h/w", .out = "/proc/$OWN/root@/h/w\n" },
    { "beside a spec that is refused a PATH gets its proc path", .args = "-p $OWN -f json -v @/h/w:/x @/h/w",
      .status = 1, .out = "{`source`:`@/h/w`,$ANY`error`:`host`$ANY}\n"
      "{`source`:`@/h/w`,`rule`:`proc`,`kind`:`single`,`path`:`/proc/$OWN/root@/h/w`,`type`:`directory`,`ro`:false}\n",
      .err = "say -b /:/" },
    { "a task that has only changed its root", "dir ch", "-r - /", INSPECT("$PID", ""), 3,
      .err = "is not the root of a mount", .runner = ONLY_CHROOTED },
    { "a task with a root that nobody knows", "dir ch", "-r - /", INSPECT("$PID", ""), 3,
      .err = "nothing shows that it is 0123456789abcdef", .runner = PIVOTED },

    /* layers */
    { "a directory of one layer", "dir ml/1/d/sub;dir ml/2", MOUNTED_ON "/d", .out = "@/ml/1/d\n" },
    { "what is mounted in a layer covers what the overlay has there", "dir ml/2;tmpfs ml/1/d/sub", MOUNTED_ON "/d",
      .status = 1 },
    { "what is mounted on itself in a layer", "dir ml/1/d/sub;dir ml/2;bindone ml/1/d ml/1/d", MOUNTED_ON "/d",
      .status = 1 },
    { "below what is mounted on itself in a layer", "dir ml/1/d/sub;dir ml/2;bindone ml/1/d ml/1/d",
      MOUNTED_ON "/d/sub", .status = 1 },
    { "a link in a layer leads to where a row is mounted", .args = "-b @/h/o:/data/vol " LAYERS "/lx", .status = 1 },
    { "the rows below a link", .args = LAYERS "-b @/h/o:/data/vol -v /data:/t -v /lnk:/u",
      .out = "@/up/data:/t\n@/h/o:/t/vol\n@/up/data:/u\n@/h/o:/u/vol\n" },
    { "a row that was named through a link hides what the layers have there", "link up/alias data",
      ALIAS "/data/vol/x", .status = 1 },
    { "a row that was named through a link, below a spec", "link up/alias data", ALIAS "-v /data:/t", .status = 1 },
    { "a row that was named through a link, by that name", "link up/alias data", ALIAS "/alias/vol/x",
      .out = "@/h/o/x\n" },
    { "the link that a row was named through", "link up/alias data", ALIAS "/alias", .out = "@/up/data\n" },

    /* standard input, and what -m makes */
    { "records longer than any path are refused whole", .args = W "-", .in = long_records, .status = 1,
      .out = "\n\n@/h/w\n" },
    { "a long record with a NUL in it", .args = W "-", .in = long_with_nul, .status = 1, .out = "\n" },
    { "-m makes nothing where the answer is too long", .args = "-m " W "/w" TWENTY LAST, .status = 1,
      .after = "there h/w/sub;gone h/w/" NAME },

    /* stages */
    { "a stage without a live PID cannot have the rows below", .args = W_AND_V "-s @/st /w", .status = 1,
      .after = "gone st", .stages = true },
    { "standard input survives a stage that is refused", .args = W "-s @/h -", .in = "/w\n", .status = 1,
      .out = "\n", .after = "there h/w/sub", .stages = true },
    { "staged, and standard output is full", .args = W "-s @/st /w", .status = 3, .after = "gone st",
      .to = "/dev/full", .stages = true },
    { "staged from standard input, and standard output is full", .args = W "-s @/st -", .in = "/w\n", .status = 3,
      .after = "gone st", .to = "/dev/full", .stages = true },
    { "staged, and the reader is gone", .args = W "-s @/st /w", .status = 3, .after = "gone st", .to = "",
      .stages = true },
    { "a directory of the caller stays when staging fails", "dir mine 700", "-b @/nope:/w -s @/mine /w", .status = 1,
      .after = "there mine", .stages = true },
};

/* ---- What checks them ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
    static unsigned number;
    (void)state;
    pooled = 0;
    snprintf(world.dir, sizeof world.dir, "%s/%u", world.base, number++);
    grow(world.dir, house);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stop_runner();
    return 0;
}

static struct ran run(const char *args, const char *in, const char *to)
{
    size_t n = 0;
    const char *text = in ? expand_n(in, &n) : "";
    int input = input_of(text, n), out = -1, pair[2];
    if (to && *to) {
        out = open(to, O_WRONLY | O_CLOEXEC);
    } else if (to && !pipe2(pair, O_CLOEXEC)) {
        out = pair[1];
        close(pair[0]);
    }
    if (to && out < 0)
        flunk("no standard output: %s", strerror(errno));
    struct running t = start_tool(arguments(args), input, out, NULL);
    close(input);
    close(out);
    return end_tool(t);
}

/* Why no stage can be made, or NULL. The tool itself is asked, which may be for another machine. */
static const char *why_no_stage(void)
{
    static bool asked;
    static const char *why;
    if (asked)
        return why;
    asked = true;
    why = getenv("NO_STAGE");
    if (why)
        return why;
    struct ran r = run(W "-s @/st /w", NULL, NULL);
    if (strstr(r.err, "lacks a system call"))
        why = "this kernel, or a seccomp filter, lacks what a stage is made with";
    else
        expect_ran("-u", run("-u @/st", NULL, NULL), 0, "", NULL);
    return why;
}

static void check(void **state)
{
    const struct row *c = *state;
    if (c->stages && why_no_stage())
        skip_case(why_no_stage());
    if (c->before)
        grow(world.dir, c->before);
    snprintf(world.merged, sizeof world.merged, "%s/ch", world.dir);
    if (c->runner)
        start_runner(c->runner == ONLY_CHROOTED ? SAME_MOUNTS : 0, "");
    expect_ran(expand(c->args), run(c->args, c->in, c->to), c->status, c->out ? c->out : "", c->err ? c->err : "");
    if (c->after)
        grow(world.dir, c->after);
}

static bool sees_kernel_threads(void)
{
    char root[8];
    return is_text("/proc/2/comm", "kthreadd\n") && readlink("/proc/2/root", root, sizeof root) > 0;
}

static void kernel_thread(void **state)
{
    (void)state;
    expect_ran("-p 2", run("-p 2 -v @/h/w:/x", NULL, NULL), 1, "", "a process of the host itself");
}

static void overlay_options(void **state)
{
    (void)state;
    expect_ran("oci", run("-o lowerdir=@/m1:@/m2$USERXATTR -f oci -v /m:/t:noexec,rslave", NULL, NULL), 0,
               textf("[{`destination`:`/t`,`type`:`overlay`,`source`:`overlay`,`options`:[`ro`,"
                   "`lowerdir=@/m1/m:@/m2/m`,"
                     "%s`noexec`,`rslave`]}]\n", world.root ? "" : "`userxattr`,"), "");
}

/* Where none can be made that is said, and nothing is left. */
static void numbers(void **state)
{
    (void)state;
    if (why_no_stage() && !getenv("NO_STAGE")) {
        expect_ran("-s", run(W "-s @/st /w", NULL, NULL), 3, "", "lacks a system call");
        grow(world.dir, "gone st");
    }
    if (why_no_stage())
        skip_case(why_no_stage());
    expect_ran("-s", run(W "-s @/st /w", NULL, NULL), 0, "@/st/0\n", "");
    expect_ran("-u", run("-u @/st/0", NULL, NULL), 0, "", "");
    expect_ran("-s, refused", run(W "-s @/st /w /nope", NULL, NULL), 1, "", "");
    expect_ran("-s, again", run(W "-s @/st /w", NULL, NULL), 0, "@/st/1\n", "");
    expect_ran("-u, all", run("-u @/st", NULL, NULL), 0, "", "");
    grow(world.dir, "gone st");
}

static const struct { const char *name; void (*call)(void **); } rest[] = {
    { "an overlay mount keeps the options asked for", overlay_options },
    { "a number of a stage is given once, also after a refused call", numbers },
};

/* ==== main ================================================================================================ */

static char *fill(char *p, const char *with, size_t times)
{
    while (times--)
        p = stpcpy(p, with);
    return p;
}

/* The tool where it lies: its directory may matter to it. */
static bool find_tool(void)
{
    static char path[4096];
    const char *tool = getenv("DINDBIND");
    tool_path = path;
    return realpath(tool ? tool : "./dindbind", path) != NULL;
}

static bool enter_world(void)
{
    return find_tool() && own_mounts(world.base);
}

static void all(char **words)
{
    char *p = fill(stpcpy(long_records, "/"), "./", LONG);
    p = fill(stpcpy(p, "w\n/w/"), "./", LONG);
    strcpy(p, "../nope\n/w\n");
    p = fill(stpcpy(long_with_nul, "/w%00"), "a", LONG);
    strcpy(p, "\n");
    p = stpcpy(many_rows, "bind @/h/w:/w\n");
    for (int i = 0; i < 4097; i++)
        p += sprintf(p, "bind @/h/o:/w/%d\n", i);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (wanted(rows[i].name, words))
            run_case(rows[i].name, check, begin, end, &rows[i]);
    for (size_t i = 0; i < COUNT(rest); i++)
        if (wanted(rest[i].name, words))
            run_case(rest[i].name, rest[i].call, begin, end, NULL);
    if (sees_kernel_threads())
        run_case("a kernel thread is no runner, whatever its root is", kernel_thread, begin, end, NULL);
}

static int run_all(char **words)
{
    return run_all_in(enter_world, all, words);
}

int main(int argc, char **argv)
{
    (void)argc;
    return run_in_child("covered_rows", world.base, run_all, argv + 1);
}
