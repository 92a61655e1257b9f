/* batch.c - specs and bodies in the library: struct dindbind_batch
 *
 * SPDX-License-Identifier: 0BSD
 *
 * Black-box: dindbind.h is included, and dindbind.c is linked as it is into a program of its users. What the answers
 * are the suites of the tool check, which is a client of these calls; here it is what a caller can do with them, in any
 * order.
 *
 * A case has a directory of its own, /cN, and a runner whose root is `root` in it, with `vol` mounted at /w/vol.
 */
#define _GNU_SOURCE
#include "../dindbind.h"
#include "cases.h"

/* ==== the case ========================================================================================== */

static struct dindbind_runner opened;
static struct dindbind_bind row;
static struct dindbind_batch batch;

static int begin(void **state)
{
    static int number;
    (void)state;
    pooled = 0;
    snprintf(world.dir, sizeof world.dir, "/c%d", number++);
    snprintf(world.merged, sizeof world.merged, "%s/root", world.dir);
    must("file @/vol/f volume;dir ^/w/d;dir ^/w/vol;file ^/w/f file;dir ^/proc");
    start_runner(0, "bind @/vol ^/w/vol");
    row = (struct dindbind_bind){ .host = textf("%s/w", world.merged), .path = "/w" };
    opened = (struct dindbind_runner){ .pid = world.pid };
    assert_int_equal(dindbind_open(&opened), 0);
    batch = (struct dindbind_batch){ .runner = &opened, .end = '\n' };
    return 0;
}

static int end(void **state)
{
    (void)state;
    dindbind_end(&batch);
    dindbind_close(&opened);
    stop_runner();
    return 0;
}

static const char *answered(void)
{
    return textf("%.*s", (int)batch.len, batch.text);
}

/* All that was added is answered with this; `messages` is part of them, or "" for none. */
static void wants(int error, const char *text, const char *messages)
{
    char *want = expand(text), *part = expand(messages);
    int got = dindbind_answer(&batch);
    if (got != error || batch.error != error || strcmp(answered(), want))
        flunk("wanted %s and\n%s-- got %s and\n%s-- %s", dindbind_word(error), want, dindbind_word(got), answered(),
              batch.messages);
    if (!strstr(batch.messages, part) || (!*part && *batch.messages))
        flunk("wanted the message %s, got %s", part, batch.messages);
}

static void refused(int error, const char *wrong)
{
    assert_int_equal(error, DINDBIND_E_USAGE);
    if (!batch.wrong || !strstr(batch.wrong, wrong))
        flunk("wanted %s, got %s", wrong, batch.wrong ? batch.wrong : "nothing");
}

#define ADDED(call) assert_int_equal(call, 0)

static const char body[] = "{\"HostConfig\":{\"Binds\":[\"/w/d:/t\"],\"Mounts\":[{\"Type\":\"bind\","
    "\"Source\":\"/w/f\","
    "\"Target\":\"/u\"}]},\"Image\":\"x\"}";
static const char answered_body[] = "{`HostConfig`:{`Binds`:[`^/w/d:/t`],`Mounts`:[{`Type`:`bind`,`Source`:`^/w/f`,"
    "`Target`:`/u`}]},`Image`:`x`}";

/* ==== what is asked ===================================================================================== */

static void a_path(void **state)
{
    (void)state;
    ADDED(dindbind_add_path(&batch, "/w/f"));
    wants(0, "/proc/$PID/root/w/f\n", "");
}

static void a_path_to_the_host(void **state)
{
    (void)state;
    batch.flags = DINDBIND_TO_HOST;
    ADDED(dindbind_add_path(&batch, "/w/vol/f"));
    wants(0, "@/vol/f\n", "");
}

static void a_volume(void **state)
{
    (void)state;
    ADDED(dindbind_add_volume(&batch, "/w:/x:ro"));
    ADDED(dindbind_add_volume(&batch, "data:/y"));
    wants(0, "^/w:/x:ro\n@/vol:/x/vol:ro\ndata:/y\n", "");
}

static void a_mount(void **state)
{
    (void)state;
    ADDED(dindbind_add_mount(&batch, "type=bind,src=/w,dst=/x"));
    wants(0, "type=bind,src=^/w,dst=/x\ntype=bind,src=@/vol,dst=/x/vol\n", "");
}

static void a_body(void **state)
{
    (void)state;
    ADDED(dindbind_add_body(&batch, body, sizeof body - 1));
    wants(0, answered_body, "");
}

static void a_body_without_mounts(void **state)
{
    (void)state;
    ADDED(dindbind_add_body(&batch, "{}", 2));
    wants(0, "{}", "");
}

static void as_json(void **state)
{
    (void)state;
    batch.format = DINDBIND_JSON;
    ADDED(dindbind_add_path(&batch, "/w/f"));
    ADDED(dindbind_add_path(&batch, "/none"));
    assert_int_equal(dindbind_answer(&batch), DINDBIND_E_MISSING);
    if (!strstr(answered(), expand("`path`:`/proc/$PID/root/w/f`")) || !strstr(answered(), "\"error\":\"missing\""))
        flunk("%s", answered());
}

static void as_oci(void **state)
{
    (void)state;
    batch.format = DINDBIND_OCI;
    refused(dindbind_add_path(&batch, "/w/f"), "no target");
    refused(dindbind_add_body(&batch, body, sizeof body - 1), "leave the format out");
    ADDED(dindbind_add_volume(&batch, "/w/d:/x"));
    wants(0, "[{`destination`:`/x`,`type`:`bind`,`source`:`^/w/d`,`options`:[`rbind`,`rw`]}]\n", "");
}

static void nothing(void **state)
{
    (void)state;
    wants(0, "", "");
}

static void many(void **state)
{
    (void)state;
    char *want = textf("%s", "");
    for (int i = 0; i < 300; i++) {
        ADDED(dindbind_add_volume(&batch, textf("/w/d:/t%d", i)));
        want = textf("%s^/w/d:/t%d\n", want, i);
    }
    wants(0, want, "");
}

static void bind_rows_alone(void **state)
{
    (void)state;
    struct dindbind_runner dead = { .binds = &row, .nbinds = 1 };
    assert_int_equal(dindbind_open(&dead), 0);
    batch.runner = &dead;
    ADDED(dindbind_add_body(&batch, body, sizeof body - 1));
    wants(0, answered_body, "");
    dindbind_end(&batch);
    dindbind_close(&dead);
}

/* ==== what is wrong ===================================================================================== */

static const struct wrong_case {
    const char *name;
    int (*add)(struct dindbind_batch *, const char *);
    const char *text, *wrong;
} wrong_cases[] = {
    { "an empty volume", dindbind_add_volume, "", "an empty spec" },
    { "a relative target", dindbind_add_volume, "/w:x", "no absolute path" },
    { "modes", dindbind_add_volume, "/w:/x:ro,rw", "modes not understood" },
    { "the target /", dindbind_add_volume, "/w:/", "the target cannot be /" },
    { "an empty mount", dindbind_add_mount, "", "an empty spec" },
    { "no type", dindbind_add_mount, "type=glob,src=/w,dst=/x", "the type must be" },
    { "an unknown key", dindbind_add_mount, "type=bind,src=/w,dst=/x,y=z", "y" },
};

/* It is not added, and what was added before is answered. */
static void check_wrong(void **state)
{
    const struct wrong_case *c = *state;
    ADDED(dindbind_add_volume(&batch, "/w/d:/t"));
    refused(c->add(&batch, c->text), c->wrong);
    wants(0, "^/w/d:/t\n", "");
}

static const struct body_case { const char *name, *text, *about, *wrong; } body_cases[] = {
    { "no JSON", "{\"a\":}", "byte 5", "" },
    { "no object", "[]", "body", "must be a JSON object" },
    { "a bind that is none", "{\"HostConfig\":{\"Binds\":[\"/w:x\"]}}", "/w:x", "no absolute path" },
    { "one target twice", "{\"HostConfig\":{\"Binds\":[\"/w:/t\",\"/w/d:/t\"]}}", "/t", "the same target" },
};

static void check_body(void **state)
{
    const struct body_case *c = *state;
    refused(dindbind_add_body(&batch, c->text, strlen(c->text)), c->wrong);
    assert_string_equal(batch.about, c->about);
    ADDED(dindbind_add_body(&batch, body, sizeof body - 1));
    wants(0, answered_body, "");
}

static void a_body_comes_alone(void **state)
{
    (void)state;
    ADDED(dindbind_add_body(&batch, body, sizeof body - 1));
    refused(dindbind_add_volume(&batch, "/w:/x"), "alone");
    refused(dindbind_add_body(&batch, body, sizeof body - 1), "alone");
    wants(0, answered_body, "");
    dindbind_settle(&batch, 1);
    batch.len = 0;
    ADDED(dindbind_add_path(&batch, "/w/f"));
    refused(dindbind_add_body(&batch, body, sizeof body - 1), "alone");
    wants(0, "/proc/$PID/root/w/f\n", "");
}

static void one_refused_is_all_refused(void **state)
{
    (void)state;
    ADDED(dindbind_add_volume(&batch, "/w/d:/x"));
    ADDED(dindbind_add_mount(&batch, "type=bind,src=/none,dst=/y"));
    wants(DINDBIND_E_MISSING, "", "/none: ");
}

static void aligned(void **state)
{
    (void)state;
    batch.flags = DINDBIND_ALIGNED;
    ADDED(dindbind_add_path(&batch, "/none"));
    wants(DINDBIND_E_MISSING, "\n", "/none: ");
}

static void a_runner_that_cannot_be_opened(void **state)
{
    (void)state;
    struct dindbind_runner none = { .pid = 0x7ffffff0 };
    batch.runner_error = dindbind_open(&none);
    batch.runner = &none;
    ADDED(dindbind_add_path(&batch, "/w/f"));
    wants(DINDBIND_E_GONE, "", "/w/f: ");
    dindbind_end(&batch);
}

static void a_warning_is_no_refusal(void **state)
{
    (void)state;
    ADDED(dindbind_add_volume(&batch, "/w/d:/x:Z"));
    wants(0, "^/w/d:/x:Z\n", "warning");
}

/* ==== rounds ============================================================================================ */

/* What is answered adds up until it is handed on. */
static void rounds(void **state)
{
    (void)state;
    ADDED(dindbind_add_path(&batch, "/w/f"));
    wants(0, "/proc/$PID/root/w/f\n", "");
    refused(dindbind_add_path(&batch, "/w/d"), "not settled");
    dindbind_settle(&batch, 1);
    ADDED(dindbind_add_path(&batch, "/none"));
    wants(DINDBIND_E_MISSING, "/proc/$PID/root/w/f\n", "/none: ");
    dindbind_settle(&batch, 1);
    ADDED(dindbind_add_path(&batch, "/w/d"));
    wants(0, "/proc/$PID/root/w/f\n/proc/$PID/root/w/d\n", "");
    dindbind_settle(&batch, 1);
    batch.len = 0;
    ADDED(dindbind_add_path(&batch, "/w"));
    wants(0, "/proc/$PID/root/w\n", "");
}

static void answered_twice(void **state)
{
    (void)state;
    int before = count_descriptors();
    ADDED(dindbind_add_path(&batch, "/w/f"));
    wants(0, "/proc/$PID/root/w/f\n", "");
    refused(dindbind_answer(&batch), "not settled");
    assert_int_equal(count_descriptors(), before + 1);
    dindbind_settle(&batch, 1);
    assert_int_equal(count_descriptors(), before);
}

/* Each round is an array of its own. */
static void oci_in_rounds(void **state)
{
    (void)state;
    batch.format = DINDBIND_OCI;
    wants(0, "[]\n", "");
    dindbind_settle(&batch, 1);
    for (int i = 0; i < 2; i++) {
        batch.len = 0;
        ADDED(dindbind_add_volume(&batch, "/w:/x"));
        ADDED(dindbind_add_volume(&batch, "/w/d:/y"));
        assert_int_equal(dindbind_answer(&batch), 0);
        assert_true(!strncmp(batch.text, "[{", 2) && strstr(answered(), "},{") && !strstr(answered(), "[,"));
        dindbind_settle(&batch, 1);
    }
    ADDED(dindbind_add_volume(&batch, "/w/d:/y"));
    assert_int_equal(dindbind_answer(&batch), 0);
    assert_true(strstr(answered(), "]\n[{") != NULL);
}

static void no_descriptor_stays(void **state)
{
    (void)state;
    int before = count_descriptors();
    for (int i = 0; i < 40; i++)
        ADDED(dindbind_add_path(&batch, "/w/f"));
    assert_int_equal(dindbind_answer(&batch), 0);
    assert_int_equal(count_descriptors(), before + 40);
    dindbind_settle(&batch, 0);
    assert_int_equal(count_descriptors(), before);
    dindbind_settle(&batch, 0);
    dindbind_end(&batch);
    dindbind_end(&batch);
    assert_int_equal(count_descriptors(), before);
}

static void it_can_begin_again(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        ADDED(dindbind_add_volume(&batch, "/w/vol:/x"));
        wants(0, "@/vol:/x\n", "");
        dindbind_end(&batch);
        assert_true(!batch.text && !batch.len);
    }
}

static void harmless_on_zeros(void **state)
{
    (void)state;
    struct dindbind_batch zero = { 0 };
    dindbind_settle(&zero, 1);
    dindbind_end(&zero);
}

/* ==== stages ============================================================================================ */

static bool exists(const char *path)
{
    struct stat st;
    return !lstat(expand(path), &st);
}

static void stage_kept(void **state)
{
    (void)state;
    int sys_errno;
    batch.dir = expand("@/st");
    ADDED(dindbind_add_volume(&batch, "/w:/x"));
    ADDED(dindbind_add_path(&batch, "/w/f"));
    wants(0, "@/st/0:/x\n@/st/1\n", "");
    dindbind_settle(&batch, 1);
    dindbind_end(&batch);
    assert_true(is_text(expand("@/st/0/vol/f"), "volume") && is_text(expand("@/st/1"), "file"));
    assert_int_equal(dindbind_unstage(NULL, expand("@/st"), &sys_errno), 0);
}

static void stage_not_kept(void **state)
{
    (void)state;
    batch.dir = expand("@/st");
    ADDED(dindbind_add_body(&batch, body, sizeof body - 1));
    assert_int_equal(dindbind_answer(&batch), 0);
    assert_true(exists("@/st/1"));
    dindbind_settle(&batch, 0);
    assert_false(exists("@/st"));
}

/* The answers before stay; only what was not handed on goes. */
static void stage_in_rounds(void **state)
{
    (void)state;
    int sys_errno;
    batch.dir = expand("@/st");
    ADDED(dindbind_add_path(&batch, "/w/f"));
    wants(0, "@/st/0\n", "");
    dindbind_settle(&batch, 1);
    ADDED(dindbind_add_path(&batch, "/w/d"));
    wants(0, "@/st/0\n@/st/1\n", "");
    dindbind_settle(&batch, 0);
    assert_true(is_text(expand("@/st/0"), "file"));
    assert_false(exists("@/st/1"));
    assert_int_equal(dindbind_unstage(NULL, expand("@/st"), &sys_errno), 0);
}

static void stage_refused(void **state)
{
    (void)state;
    batch.dir = expand("@/st");
    ADDED(dindbind_add_path(&batch, "/w/f"));
    ADDED(dindbind_add_path(&batch, "/none"));
    wants(DINDBIND_E_MISSING, "", "/none: ");
    assert_false(exists("@/st"));
}

static void stage_forgotten(void **state)
{
    (void)state;
    batch.dir = expand("@/st");
    ADDED(dindbind_add_path(&batch, "/w/f"));
    assert_int_equal(dindbind_answer(&batch), 0);
    dindbind_end(&batch);
    assert_false(exists("@/st"));
}

/* ==== all of it ========================================================================================= */

static const struct { const char *name; CMUnitTestFunction call; bool stages; } rest[] = {
    { "a path", a_path, false },
    { "a path, to the host", a_path_to_the_host, false },
    { "a volume", a_volume, false },
    { "a mount", a_mount, false },
    { "a body", a_body, false },
    { "a body without mounts", a_body_without_mounts, false },
    { "json", as_json, false },
    { "oci", as_oci, false },
    { "nothing", nothing, false },
    { "many", many, false },
    { "bind rows alone", bind_rows_alone, false },
    { "a body comes alone", a_body_comes_alone, false },
    { "one refused is all refused", one_refused_is_all_refused, false },
    { "aligned", aligned, false },
    { "a runner that cannot be opened", a_runner_that_cannot_be_opened, false },
    { "a warning is no refusal", a_warning_is_no_refusal, false },
    { "rounds", rounds, false },
    { "answered twice", answered_twice, false },
    { "oci in rounds", oci_in_rounds, false },
    { "no descriptor stays", no_descriptor_stays, false },
    { "it can begin again", it_can_begin_again, false },
    { "harmless on zeros", harmless_on_zeros, false },
    { "a stage that is kept", stage_kept, true },
    { "a stage that is not kept", stage_not_kept, true },
    { "a stage in rounds", stage_in_rounds, true },
    { "a stage that is refused", stage_refused, true },
    { "a stage that is forgotten", stage_forgotten, true },
};

static bool enter_world(void)
{
    return own_mounts(world.base) && own_root(world.base);
}

static void all(char **words)
{
    (void)words;
    for (size_t i = 0; i < COUNT(wrong_cases); i++)
        run_case(wrong_cases[i].name, check_wrong, begin, end, &wrong_cases[i]);
    for (size_t i = 0; i < COUNT(body_cases); i++)
        run_case(body_cases[i].name, check_body, begin, end, &body_cases[i]);
    for (size_t i = 0; i < COUNT(rest); i++)
        run_case(rest[i].name, rest[i].stages && no_stages() ? cannot_stage : rest[i].call, begin, end, NULL);
}

static int run_all(char **words)
{
    return run_all_in(enter_world, all, words);
}

int main(void)
{
    return run_in_child("batch", world.base, run_all, NULL);
}
