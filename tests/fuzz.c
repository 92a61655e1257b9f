/* fuzz.c - whatever anybody may write, parsed
 *
 * SPDX-License-Identifier: 0BSD
 *
 * White-box: dindbind.c is included. One function per target takes an input and checks what must hold for any,
 * mostly against a second, slower way to the same answer: JSON, CSV, mount options and paths each have a small
 * reader of their own here, which shares no line with the one that is tested.
 *
 * Built with -DLIBFUZZER this is a libFuzzer program; $TARGET names the target. Built without, by any compiler,
 * it goes through a corpus:
 *
 *      fuzz [DIRECTORY]            tests/corpus: every file in DIRECTORY/TARGET/, as a test
 *      fuzz -t TARGET FILE...      these files
 *
 * A file passes when it and every prefix of it do. The last line on standard output counts what passed, failed
 * and was skipped.
 *
 * An input lies directly before a page that cannot be touched, its NUL as the last byte, and in a second run
 * directly after one. TIGHT: the arena gives each string a block of its own, so that the sanitizer sees its end.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <strings.h>

#define DINDBIND_NO_MAIN
#ifndef DINDBIND_C
#define DINDBIND_C "../dindbind.c"
#endif
#include DINDBIND_C

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define NEED(what) ((what) ? (void)0 : give_up(#what, __LINE__))

_Noreturn static void give_up(const char *what, int line)
{
    fprintf(stderr, "fuzz.c:%d: does not hold: %s\n", line, what);
    abort();
}

/* ==== between two pages ================================================================================= */

enum { SPACE = 1 << 20 };

static char *space;             /* SPACE bytes, nothing before and nothing after */

static void make_space(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, SPACE + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(p != MAP_FAILED);
    space = p + page;
    NEED(!mprotect(space, SPACE, PROT_READ | PROT_WRITE));
}

static char *place_input(const void *data, size_t n, bool at_end)
{
    char *at = at_end ? space + SPACE - n - 1 : space;
    memmove(at, data, n);
    at[n] = 0;
    return at;
}

/* TIGHT is the promise of whoever patched the arena for it. */
static void check_arena(void)
{
#ifdef TIGHT
    struct arena a = { NULL };
    NEED(arena_alloc(&a, 1) && a.top->size == 1);
    arena_free(&a);
#endif
}

/* Output, from a start that is too small, so that it grows. */
struct output {
    struct out out;
    char small[8];
};

static struct out *output_in(struct output *o)
{
    o->out = (struct out){ .at = o->small, .size = sizeof o->small };
    return &o->out;
}

/* Terminated, in a block of its own; to be freed. */
static char *output_end(struct out *o)
{
    NEED(!o->failed && o->len <= o->size);
    char *text = malloc(o->len + 1);
    NEED(text);
    memcpy(text, o->at, o->len);
    text[o->len] = 0;
    if (o->ours)
        free(o->at);
    return text;
}

static bool equal(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* ==== a second reader of JSON ===========================================================================
 *
 * By position and length, not up to a NUL, and by code points. It lists the values in the order of their
 * starts, keys among them. */

struct seen {
    const char *at, *end;
    bool key;
};

struct reader {
    const char *p, *end;
    struct seen *v;
    size_t n;
};

static int peek(const struct reader *r)
{
    return r->p < r->end ? (unsigned char)*r->p : -1;
}

static bool eat(struct reader *r, const char *set)
{
    int c = peek(r);
    bool good = c > 0 && strchr(set, c);
    r->p += good;
    return good;
}

static void blanks(struct reader *r)
{
    while (eat(r, " \t\r\n"))
        ;
}

/* One code point of UTF-8, or -1. */
static long eat_point(struct reader *r)
{
    static const long least[] = { 0, 0x80, 0x800, 0x10000 };
    int c = peek(r), more = c < 0x80 ? 0 : c < 0xc0 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : -1;
    if (c < 0 || more < 0)
        return -1;
    long v = more ? c & (0x3f >> more) : c;
    r->p++;
    for (int i = 0; i < more; i++) {
        if (peek(r) < 0 || (peek(r) & 0xc0) != 0x80)
            return -1;
        v = v << 6 | (*r->p++ & 0x3f);
    }
    return v < least[more] || (v >= 0xd800 && v < 0xe000) || v > 0x10ffff ? -1 : v;
}

static bool eat_string(struct reader *r)
{
    if (!eat(r, "\""))
        return false;
    while (!eat(r, "\"")) {
        if (eat(r, "\\")) {
            if (eat(r, "\"\\/bfnrt"))
                continue;
            if (!eat(r, "u"))
                return false;
            for (int i = 0; i < 4; i++)
                if (!eat(r, "0123456789abcdefABCDEF"))
                    return false;
        } else if (eat_point(r) < 0x20)
            return false;
    }
    return true;
}

static bool eat_digits(struct reader *r)
{
    bool any = false;
    while (eat(r, "0123456789"))
        any = true;
    return any;
}

static bool eat_number(struct reader *r)
{
    eat(r, "-");
    if (!eat(r, "0") && !eat_digits(r))
        return false;
    if (eat(r, ".") && !eat_digits(r))
        return false;
    if (!eat(r, "eE"))
        return true;
    eat(r, "+-");
    return eat_digits(r);
}

static bool eat_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);
    bool good = (size_t)(r->end - r->p) >= n && !memcmp(r->p, word, n);
    r->p += good ? n : 0;
    return good;
}

static bool eat_value(struct reader *r, int depth);

static bool eat_members(struct reader *r, bool object, int depth)
{
    const char *end = object ? "}" : "]";
    blanks(r);
    if (eat(r, end))
        return true;
    do {
        blanks(r);
        if (object) {
            struct seen *key = &r->v[r->n++];
            *key = (struct seen){ r->p, NULL, true };
            if (!eat_string(r))
                return false;
            key->end = r->p;
            blanks(r);
            if (!eat(r, ":"))
                return false;
            blanks(r);
        }
        if (!eat_value(r, depth))
            return false;
        blanks(r);
    } while (eat(r, ","));
    return eat(r, end);
}

static bool eat_value(struct reader *r, int depth)
{
    struct seen *v = &r->v[r->n++];
    int c = peek(r);
    bool good;
    *v = (struct seen){ r->p, NULL, false };
    if (c == '"')
        good = eat_string(r);
    else if (eat(r, "{["))
        good = depth < 256 && eat_members(r, c == '{', depth + 1);
    else if (c == '-' || isdigit(c))
        good = eat_number(r);
    else
        good = eat_word(r, "true") || eat_word(r, "false") || eat_word(r, "null");
    v->end = r->p;
    return good;
}

/* The whole text. The list is to be freed. */
static bool read_json(struct reader *r, const char *text, size_t len)
{
    *r = (struct reader){ text, text + len, calloc(len + 2, sizeof *r->v), 0 };
    NEED(r->v);
    blanks(r);
    bool good = eat_value(r, 0);
    blanks(r);
    return good && r->p == r->end;
}

/* A string's text and, for each byte of it that starts a character, where that is spelled. */
struct spelled {
    char *text;
    const char **from;          /* NULL within a character; one more for the end */
    size_t len;
    bool good;                  /* it can be (part of) a path */
    bool half;                  /* with bytes that stand there as half of a surrogate pair: not for Go */
};

static unsigned eat_hex(struct reader *r)
{
    char digits[5] = { r->p[0], r->p[1], r->p[2], r->p[3], 0 };
    r->p += 4;
    return (unsigned)strtoul(digits, NULL, 16);
}

static unsigned eat_escape(struct reader *r)
{
    static const char names[] = "\"\\/bfnrt", points[] = "\"\\/\b\f\n\r\t";
    r->p++;
    if (!eat(r, "u"))
        return (unsigned char)points[strchr(names, *r->p++) - names];
    unsigned high = eat_hex(r);
    if (high < 0xd800 || high > 0xdbff || r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u')
        return high;
    struct reader after = *r;
    after.p += 2;
    unsigned low = eat_hex(&after);
    if (low < 0xdc00 || low > 0xdfff)
        return high;
    r->p = after.p;
    return 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
}

static size_t encode(unsigned c, char *out)
{
    static const unsigned char head[] = { 0, 0xc0, 0xe0, 0xf0 };
    int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    out[0] = (char)(head[more] + (c >> (6 * more)));
    for (int i = 1; i <= more; i++)
        out[i] = (char)(0x80 + (c >> (6 * (more - i))) % 64);
    return (size_t)more + 1;
}

static struct spelled read_string(const char *at, const char *end)
{
    size_t room = (size_t)(end - at) + 1;
    struct spelled s = { calloc(room, 1), calloc(room, sizeof *s.from), 0, true, false };
    struct reader r = { at + 1, end - 1, NULL, 0 };
    NEED(s.text && s.from);
    while (r.p < r.end) {
        s.from[s.len] = r.p;
        unsigned c = *r.p == '\\' ? eat_escape(&r) : (unsigned)eat_point(&r);
        bool byte = c >= 0xdc80 && c <= 0xdcff;
        if (byte)
            s.text[s.len++] = (char)(c - 0xdc00);
        else
            s.len += encode(c, s.text + s.len);
        s.good = s.good && c && (byte || c < 0xd800 || c > 0xdfff);
        s.half = s.half || byte;
    }
    s.from[s.len] = r.p;
    return s;
}

static void free_spelled(struct spelled *s)
{
    free(s->text);
    free(s->from);
}

/* For strcasecmp(3) to compare keys as Go's encoding/json does: simple folding, in which two letters beyond ASCII
 * are k and s. To be freed. */
static char *folded(const char *text)
{
    char *plain = malloc(strlen(text) + 1), *to = plain;
    NEED(plain);
    for (; *text; text++) {
        bool kelvin = (unsigned char)*text == 0xe2 && !strncmp(text + 1, "\x84\xaa", 2);
        bool long_s = (unsigned char)*text == 0xc5 && !strncmp(text + 1, "\xbf", 1);
        *to++ = (char)(kelvin ? 'k' : long_s ? 's' : *text);
        text += kelvin ? 2 : long_s;
    }
    *to = 0;
    return plain;
}

/* A walk over the members of an object or array. Start with the value itself in `at`. */
struct json_walk {
    const char *at, *key, *value;
    bool object;
};

static bool json_next(struct json_walk *w)
{
    const char *p = w->value ? json_after(w->object ? w->key : w->value) : json_first(w->at);
    w->object = w->at && *w->at == '{';
    w->key = w->object ? p : NULL;
    w->value = p ? json_of(p) : NULL;
    return p;
}

static size_t json_count(const char *value)
{
    struct json_walk w = { .at = value };
    size_t n = 0;
    while (json_next(&w))
        n++;
    return n;
}

/* Is this string, short enough, that name? With `fold`: to Go. */
static bool json_is(const char *value, const char *name, bool fold)
{
    char text[JSON_NAME];
    enum json_reader who = fold ? JSON_GO : JSON_OURS;
    if (!json_copy(value, who, text, sizeof text))
        return false;
    json_name(value, who, fold, text);
    return fold ? !strcasecmp(text, name) : !strcmp(text, name);
}

/* The last member of that name, with `fold` as Go's decoder has it, and how many there are. */
static const char *member(const char *object, const char *name, bool fold, size_t *n)
{
    const char *found = NULL;
    struct json_walk w = { .at = object };
    *n = 0;
    while (object && *object == '{' && json_next(&w)) {
        struct spelled key = read_string(w.key, json_skip(w.key));
        char *plain = folded(key.text);
        bool same = fold ? !key.half && !strcasecmp(plain, name) : !strcmp(key.text, name);
        if (key.good && same) {
            found = w.value;
            ++*n;
        }
        free(plain);
        free_spelled(&key);
    }
    return found;
}

static bool is_null(const char *value)
{
    return !value || !strncmp(value, "null", 4);
}

/* Is this string value that text? */
static bool says(const char *value, const char *text)
{
    if (!value || *value != '"')
        return false;
    struct spelled s = read_string(value, json_skip(value));
    bool same = s.good && !strcmp(s.text, text);
    free_spelled(&s);
    return same;
}

static bool valid_utf8(const char *s)
{
    struct reader r = { s, s + strlen(s), NULL, 0 };
    while (r.p < r.end)
        if (eat_point(&r) < 0)
            return false;
    return true;
}

/* ==== json ============================================================================================== */

static char *decoded(struct arena *a, enum json_reader who, const char *value)
{
    char *text;
    NEED(!json_decode(a, who, value, &text) == !!text);
    return text;
}

static void check_string(const char *at, const char *end)
{
    static const char *const names[] = { "Source", "Binds", "RW", "HostConfig", "k", "s", "" };
    struct arena a = { NULL };
    struct spelled s = read_string(at, end);
    char *text = decoded(&a, JSON_OURS, at), *for_go = decoded(&a, JSON_GO, at), *plain = folded(s.text);
    NEED(!!text == s.good && !!for_go == (s.good && !s.half));
    NEED(!text || (strlen(text) == s.len && !strcmp(text, s.text)));
    NEED(!for_go || equal(for_go, text));
    for (size_t i = 0; s.good && i <= s.len; i += 1 + s.len / 64) {
        while (!s.from[i])
            i++;
        NEED(json_place(at, JSON_OURS, i) == s.from[i]);
        NEED(s.half || json_place(at, JSON_GO, i) == s.from[i]);
    }
    NEED(!s.good || json_place(at, JSON_OURS, s.len) == end - 1);
    for (size_t i = 0; i < COUNT(names); i++) {
        NEED(json_is(at, names[i], false) == (s.good && !strcmp(s.text, names[i])));
        NEED(json_is(at, names[i], true) == (s.good && !s.half && !strcasecmp(plain, names[i])));
    }
    for (const char *c = ",:/\"\\a"; *c; c++)
        NEED(json_has(at, *c) == (memchr(s.text, *c, s.len) != NULL));
    NEED(s.len >= JSON_NAME - 4 || json_is(at, s.text, false) == s.good);
    free(plain);
    free_spelled(&s);
    arena_free(&a);
}

/* What reads strings finds nothing in any other value, and does not run past it. */
static void check_no_string(const char *value)
{
    struct arena a = { NULL };
    char text[JSON_NAME];
    NEED(!json_has(value, '0') && !json_has(value, 'l') && !json_has(value, ','));
    NEED(!json_place(value, JSON_GO, 1) && !json_place(value, JSON_OURS, 1000));
    NEED(!json_copy(value, JSON_GO, text, sizeof text) && !decoded(&a, JSON_GO, value));
    json_name(value, JSON_OURS, false, text);
    NEED(!*text);
    arena_free(&a);
}

/* A walk finds just what the other reader listed. */
static void check_walk(const char *value, const struct seen **next)
{
    struct json_walk w = { .at = value };
    size_t n = 0;
    NEED((*next)->at == value && !(*next)->key && (*next)->end == json_skip(value));
    ++*next;
    if (*value == '"')
        check_string(value, json_skip(value));
    else
        check_no_string(value);
    for (; json_next(&w); n++) {
        NEED(w.object == (*value == '{') && w.object == (*next)->key);
        if (w.object) {
            NEED((*next)->at == w.key && (*next)->end == json_skip(w.key));
            check_string(w.key, json_skip(w.key));
            ++*next;
        }
        check_walk(w.value, next);
    }
    NEED(n == json_count(value));
    NEED(!n || *value == '{' || *value == '[');
}

/* Any text survives as a JSON string, and all that is put around it is JSON. */
static void check_put(const char *text)
{
    struct output room;
    struct out *o = output_in(&room);
    struct arena a = { NULL };
    struct json_error e = { NULL, NULL };
    put_json(o, text);
    size_t len = o->len;
    char *json = output_end(o);
    NEED(json_check(&e, json, len) == json && strlen(json) == len && valid_utf8(json));
    NEED(equal(decoded(&a, JSON_OURS, json), text));
    NEED(equal(decoded(&a, JSON_GO, json), valid_utf8(text) ? text : NULL));
    free(json);
    arena_free(&a);
}

/* So does a record, of each kind. */
static void check_record(const char *text)
{
    static const size_t members[] = { 7, 8, 7, 4 };
    char *layers[] = { (char *)(uintptr_t)text, (char *)(uintptr_t)text };
    struct spec s = { .target = text };
    struct dindbind_result res = { .rule = DINDBIND_RULE_LAYERS, .type = S_IFDIR, .options = "metacopy=on" };
    snprintf(res.path, sizeof res.path, "%s", text);
    for (int kind = DINDBIND_SINGLE; kind <= DINDBIND_METACOPY + 1; kind++) {
        struct output room;
        struct out *o = output_in(&room);
        res.kind = kind > DINDBIND_METACOPY ? DINDBIND_SINGLE : (enum dindbind_kind)kind;
        res.layers = kind ? layers : NULL;
        res.nlayers = kind ? 2 : 0;
        put_record(o, text, &s, &res, kind > DINDBIND_METACOPY ? text : NULL);
        size_t len = o->len;
        char *json = output_end(o);
        NEED(json_check(&(struct json_error){ 0 }, json, len) == json && json_count(json) == members[kind]);
        free(json);
    }
}

static void fuzz_json(char *text, size_t len)
{
    struct json_error e = { NULL, NULL };
    struct reader r;
    bool good = read_json(&r, text, len);
    const char *value = json_check(&e, text, len);
    NEED(!!value == good);
    NEED(value || (e.what && e.at >= text && e.at <= text + len));
    if (value) {
        const struct seen *next = r.v;
        check_walk(value, &next);
        NEED(next == r.v + r.n);
    }
    free(r.v);
    check_put(text);
    check_record(text);
}

/* ==== answers that are made up ========================================================================== */

static const struct answer {
    const char *path;
    bool ro, below;
} answers[] = {
    { "/h", false, false },
    { "/h", true, true },
    { "/q\"b\\n\nt\t\x01 \x7f/\xc3\xa4\xf0\x9f\x98\x80", true, false },
    { "/q\"b\\n\nt\t\x01 \x7f/\xc3\xa4\xf0\x9f\x98\x80", false, true },
    { "/co:lon", true, false },
    { "/com,ma", true, true },
    { "/\xff\xed\xa0\x80", false, false },
    { "/c\rr", true, false },
};

/* The modes with ro in them: rw becomes ro, and where there is neither it comes last. */
static void expect_modes(struct out *o, const char *list, bool ro)
{
    bool any = false, done = !ro;
    const char *end = list;
    for (const char *p = list; p && *p; p = *end ? end + 1 : end, any = true) {
        end = strchrnul(p, ',');
        bool access = end - p == 2 && p[0] == 'r' && (p[1] == 'o' || p[1] == 'w');
        put(o, any ? "," : ":");
        if (access && ro)
            put(o, "ro");
        else
            put_bytes(o, p, (size_t)(end - p));
        done = done || access;
    }
    put(o, done ? "" : any ? ",ro" : ":ro");
}

/* SOURCE:TARGET[:MODES] with another source, and another target unless that is NULL; to be freed. */
static char *expect_volume(const char *text, const char *source, const char *target, bool ro)
{
    struct output room;
    struct out *o = output_in(&room);
    const char *old = strchr(text, ':') + 1, *end = strchrnul(old, ':');
    put(o, source);
    put(o, ":");
    if (target)
        put(o, target);
    else
        put_bytes(o, old, (size_t)(end - old));
    expect_modes(o, *end ? end + 1 : NULL, ro);
    return output_end(o);
}

/* The OCI mount of a spec. */
static void check_oci_mount(const struct spec *s)
{
    static const struct json_row rows[] = { { 0 }, { .name = "destination" }, { .name = "type" }, { .name = "source" },
                                          { .name = "options" } };
    struct member m[COUNT(rows)];
    struct arena a = { NULL };
    struct output room;
    struct out *o = output_in(&room);
    struct dindbind_result res = { .path = "/q\"\n\xff", .ro = s->ro };
    const char *wrong = put_oci(o, s, &res);
    size_t len = o->len;
    char *json = output_end(o);
    NEED(!wrong && json_check(&(struct json_error){ 0 }, json, len) == json &&
         !json_members(&a, JSON_OURS, json, rows, COUNT(rows), m));
    NEED(json_count(json) == 4 && says(m[1].at, s->target) && says(m[2].at, "bind") &&
         says(m[3].at, res.path));
    struct json_walk w = { .at = m[4].at };
    NEED(json_count(m[4].at) == 2 + s->noci && json_next(&w) && says(w.value, s->flat ? "bind" : "rbind"));
    NEED(json_next(&w) && says(w.value, s->ro ? "ro" : "rw"));
    free(json);
    arena_free(&a);
}

/* ==== -v ================================================================================================ */

static void volume_again(const struct spec *s, const char *source, const char *target, bool ro)
{
    struct output room;
    struct out *o = output_in(&room);
    struct arena a = { NULL };
    struct spec again;
    ro = ro || s->ro;
    const char *wrong = put_volume(o, s, source, target, ro);
    char *text = output_end(o), *want = expect_volume(s->text, source, target, ro);
    NEED(!!wrong == (strchr(source, ':') || (target && strchr(target, ':'))));
    NEED(equal(text, want));
    if (!wrong) {
        NEED(!parse_volume(&a, text, &again));
        NEED(equal(again.source, source) && equal(again.target, target ? target : s->target));
        NEED(again.ro == ro && again.flat == s->flat && again.noci == s->noci && equal(again.never, s->never));
    }
    free(want);
    free(text);
    arena_free(&a);
}

/* The text is made of three fields at most, and of these. */
static void check_volume(const struct spec *s)
{
    const char *colon = strchr(s->text, ':');
    char clean[DINDBIND_PATH_MAX];
    NEED(s->target && *s->target == '/' && !clean_path(s->target, clean) && !strcmp(clean, s->target));
    NEED(!!s->source == !!colon);
    if (!s->source)
        return;
    size_t n = strlen(s->source);
    NEED(n && n == (size_t)(colon - s->text) && !memcmp(s->source, s->text, n));
    const char *second = strchr(colon + 1, ':');
    NEED(!second ? !s->mode : s->mode == second + 1 && !strchr(second + 1, ':'));
    NEED(s->ro == (s->mode && has_word(s->mode, "ro")));
}

static void fuzz_volume(char *text, size_t len)
{
    struct arena a = { NULL };
    struct spec s;
    (void)len;
    const char *wrong = parse_volume(&a, text, &s);
    if (!wrong)
        check_volume(&s);
    if (!wrong && s.source) {
        check_oci_mount(&s);
        volume_again(&s, s.source, NULL, false);
        for (size_t i = 0; i < COUNT(answers); i++)
            volume_again(&s, answers[i].path, answers[i].below ? "/t/below" : NULL, answers[i].ro);
        volume_again(&s, "/h", "/t:below", true);
    }
    arena_free(&a);
}

/* ==== --mount =========================================================================================== */

/* The next field of a record, as Go's encoding/csv reads it, byte by byte. NULL: malformed. Else what is after
 * it: a comma or the end. */
static const char *csv_next(const char *p, struct out *o)
{
    enum { START, PLAIN, QUOTED, QUOTE } state = START;
    for (;; p++) {
        switch (state) {
        case START:
        case PLAIN:
            if (!*p || *p == ',')
                return p;
            if (*p == '"' && state == PLAIN)
                return NULL;
            if (*p == '\n' || *p == '\r')
                return NULL;    /* Go would take some of them; nobody needs that */
            if (*p != '"')
                put_bytes(o, p, 1);
            state = *p == '"' ? QUOTED : PLAIN;
            break;
        case QUOTED:
            if (!*p || *p == '\r')
                return NULL;    /* Go drops it where a line feed follows */
            if (*p != '"')
                put_bytes(o, p, 1);
            else
                state = QUOTE;
            break;
        case QUOTE:
            if (!*p || *p == ',')
                return p;
            if (*p != '"')
                return NULL;
            put_bytes(o, p, 1);
            state = QUOTED;
            break;
        }
    }
}

static char *csv_text(const char *at)
{
    struct output room;
    struct out *o = output_in(&room);
    NEED(csv_next(at, o));
    return output_end(o);
}

/* ---- what may stand in a record, by another reading of it: key by key, from a table by types --------------- */

/* `=`: with a value; `!`: without; `?`: as one likes; `b`: a boolean. Z, z and U are exact, all others in any case. */
static const char common[] = "=type =source =src =target =destination =dst =dest breadonly bro =consistency";
static const struct { const char *type, *keys; } grammar[] = {
    { "bind", "brw =bind-propagation bbind-nonrecursive =bind-recursive bbind-create-src !private !rprivate !shared "
      "!rshared !slave !rslave !unbindable !runbindable !exec !noexec !dev !nodev !suid !nosuid =relabel ?Z ?z bU "
      "bchown "
      "?idmap" },
    { "volume", "brw !private !rprivate !shared !rshared !slave !rslave !unbindable !runbindable !exec !noexec !dev "
      "!nodev !suid !nosuid =relabel ?Z ?z bU bchown ?idmap =subpath =volume-subpath bvolume-nocopy =volume-label "
      "=volume-driver =volume-opt" },
    { "tmpfs", "brw !private !rprivate !shared !rshared !slave !rslave !unbindable !runbindable !exec !noexec !dev "
      "!nodev !suid !nosuid bU bchown =tmpfs-size =tmpfs-mode !tmpcopyup !notmpcopyup !noatime !noswap" },
    { "image", "brw breadwrite ?idmap =subpath =image-subpath" },
    { "cluster", "" },
    { "npipe", "" },
};

/* The sign of a key in a row, or 0. */
static char sign_of(const char *row, const char *key)
{
    for (const char *p = row, *end; *p; p = *end ? end + 1 : end) {
        size_t n = strlen(key);
        end = strchrnul(p, ' ');
        bool same = n == 1 ? p[1] == *key : !strncasecmp(p + 1, key, n);
        if ((size_t)(end - p) == n + 1 && same)
            return *p;
    }
    return 0;
}

static bool is_any(const char *s, const char *const *words)
{
    while (*words && strcmp(*words, s))
        words++;
    return *words;
}

static bool is_bool(const char *s)
{
    static const char *const words[] = { "0", "f", "F", "FALSE", "false", "False", "1", "t", "T", "TRUE", "true",
                                         "True", NULL };
    return is_any(s, words);
}

/* A record taken apart, for what must hold for all of it. */
struct wanted {
    char *source, *target, *driver;
    char *option[4];            /* type, device, o, size */
    bool bad, options;
    unsigned propagations, labels, execs, devs, suids;
};

static const char *const option_row[] = { "type", "device", "o", "size", NULL };

static void want_option(struct wanted *w, char *value)
{
    char *text = strchr(value, '=');
    int i = 0;
    w->options = true;
    if (!text) {
        w->bad = true;
        return;
    }
    *text++ = 0;
    while (option_row[i] && strcmp(option_row[i], value))
        i++;
    w->bad = w->bad || !option_row[i] || (i < 3 && w->option[i]);
    if (option_row[i])
        w->option[i] = text;
}

/* Is it one, in any case? */
static bool is_peer_word(const char *word)
{
    static const char *const words[] = { "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable",
                                         "runbindable" };
    size_t i = 0;
    while (i < COUNT(words) && strcasecmp(words[i], word))
        i++;
    return i < COUNT(words);
}

/* One field; `row` has the keys of its type. */
static void want_field(struct wanted *w, const char *row, char *field)
{
    static const char *const depths[] = { "enabled", "disabled", "writable", "readonly", NULL };
    char *value = strchr(field, '=');
    if (value)
        *value++ = 0;
    const char *key = field;
    char sign = sign_of(common, key);
    sign = sign ? sign : sign_of(row, key);
    w->bad = w->bad || !sign || (sign == '=' && !value) || (sign == '!' && value) ||
             (sign == 'b' && value && !is_bool(value));
    if (w->bad)
        return;
    if (!strcasecmp(key, "source") || !strcasecmp(key, "src"))
        w->source = value;
    else if (!strncasecmp(key, "dst", 4) || !strncasecmp(key, "dest", 4) || !strcasecmp(key, "target"))
        w->target = value;
    else if (!strcasecmp(key, "bind-propagation"))
        w->bad = !is_peer_word(value);
    else if (!strcasecmp(key, "bind-recursive"))
        w->bad = !is_any(value, depths);
    else if (!strcasecmp(key, "volume-driver"))
        w->driver = value;
    else if (!strcasecmp(key, "volume-opt"))
        want_option(w, value);
    else if (!strcasecmp(key, "relabel"))
        w->bad = strcmp(value, "private") && strcmp(value, "shared");
    w->labels += !strcasecmp(key, "relabel") || !strcasecmp(key, "z");
    w->execs += !strcasecmp(key, "exec") || !strcasecmp(key, "noexec");
    w->devs += !strcasecmp(key, "dev") || !strcasecmp(key, "nodev");
    w->suids += !strcasecmp(key, "suid") || !strcasecmp(key, "nosuid");
    w->propagations += !strcasecmp(key, "bind-propagation") || is_peer_word(key);
}

/* Words of a comma list: is each of them one of these, or with a value one of those? */
static bool only_words(const char *list, const char *flags, const char *options)
{
    char *copy = strdup(list), *rest = copy;
    bool good = true;
    NEED(copy);
    if (*copy && copy[strlen(copy) - 1] == ',')
        copy[strlen(copy) - 1] = 0;             /* one comma at the end is nothing */
    for (char *word; *copy && (word = strsep(&rest, ","));) {
        char *value = strchr(word, '=');
        if (value)
            *value = 0;
        char *find;
        NEED(asprintf(&find, " %s ", word) >= 0);
        good = good && *word && !strchr(word, ' ') && strstr(value ? options : flags, find);
        free(find);
    }
    free(copy);
    return good;
}

static bool any_word(const char *list, const char *name)
{
    char *copy = strdup(list), *rest = copy;
    bool found = false;
    NEED(copy);
    for (char *word; (word = strsep(&rest, ","));) {
        word[strcspn(word, "=")] = 0;
        found = found || !strcmp(word, name);
    }
    free(copy);
    return found;
}

static bool may_choose_dir(const char *list)
{
    char *copy = strdup(list), *rest = copy;
    bool found = false;
    NEED(copy);
    for (char *word; (word = strsep(&rest, ","));) {
        char *value = strchr(word, '=');
        size_t n = value ? (size_t)(value - word) : 0;
        found = found || !strncasecmp(word, "x-", 2) || (value && value[1] == '/') ||
                (n > 3 && !memcmp(value - 3, "dir", 3));
    }
    free(copy);
    return found;
}

#define FLAGS " bind rbind defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync atime noatime diratime " \
    "nodiratime relatime norelatime strictatime nostrictatime private rprivate shared rshared slave rslave unbindable " \
    "runbindable noswap inode32 inode64 "

/* nfs(5) and mount.cifs(8) */
#define NET_FLAGS " " \
    "_netdev nofail soft hard softerr softreval nosoftreval intr nointr ac noac bg fg rdirplus " \
    "nordirplus sharecache nosharecache resvport noresvport fsc nofsc sloppy udp tcp rdma lock nolock " \
    "cto nocto acl noacl migration nomigration posix noposix trunkdiscovery notrunkdiscovery guest " \
    "forceuid noforceuid forcegid noforcegid perm noperm dynperm nodynperm setuids nosetuids serverino " \
    "noserverino mapchars nomapchars mapposix nomapposix nocase ignorecase brl nobrl sfu nosfu " \
    "mfsymlinks seal sign unix nounix linux nolinux user_xattr nouser_xattr cifsacl nocifsacl " \
    "idsfromsid modefromsid multiuser nodfs persistenthandles nopersistenthandles resilienthandles " \
    "noresilienthandles multichannel nomultichannel domainauto nosharesock noblocksend " \
    "forcemandatorylock nohandlecache posixpaths noposixpaths nostrictsync strictsync "
#define NET_OPTIONS " " \
    "addr timeo retrans rsize wsize acregmin acregmax acdirmin acdirmax actimeo retry sec nconnect " \
    "max_connect lookupcache fsc proto port mountport mountproto mounthost mountaddr mountvers namlen " \
    "local_lock clientaddr vers nfsvers minorversion rdirplus write xprtsec username user password pass " \
    "password2 domain dom workgroup ip uid gid cruid backupuid backupgid file_mode dir_mode servern " \
    "netbiosname cache iocharset echo_interval bsize esize snapshot max_credits max_channels " \
    "handletimeout multichannel symlink reparse "

/* May a volume have these options of the driver? `*device`: it is a bind mount of that. */
static bool may_be_volume(const char *driver, const char *type, const char *device, const char *o, bool options,
                          bool *binds)
{
    *binds = false;
    if (!options)
        return true;
    if (driver && *driver && strcmp(driver, "local"))
        return false;
    if (o && (any_word(o, "bind") || any_word(o, "rbind"))) {
        *binds = true;
        return device && only_words(o, FLAGS, "");
    }
    bool here = device && (*device == '/' || *device == '.');
    o = o ? o : "";
    if (equal(type, "tmpfs"))
        return !here && only_words(o, FLAGS, " size nr_blocks nr_inodes mode uid gid huge mpol ");
    if (may_choose_dir(o) || !type || !device || !only_words(o, FLAGS NET_FLAGS, NET_OPTIONS))
        return false;
    if (equal(type, "cifs"))
        return !strncmp(device, "//", 2) || !strncmp(device, "\\\\", 2);
    return (equal(type, "nfs") || equal(type, "nfs3") || equal(type, "nfs4")) && !here && strchr(device, ':');
}

/* Of ro and rw, does the former stand last? */
static bool is_ro_last(const char *o)
{
    char *copy = strdup(o), *rest = copy;
    const char *last = "";
    NEED(copy);
    for (char *word; (word = strsep(&rest, ","));)
        if (!strcmp(word, "ro") || !strcmp(word, "rw"))
            last = word;
    bool ro = !strcmp(last, "ro");
    free(copy);
    return ro;
}

/* May this record be taken? In two passes: the type, which is the last one given, and then the keys by it. */
static bool may_be_mount(const char *text, bool *volume_ro)
{
    struct wanted w = { .bad = false };
    const char *row = NULL, *p = text;
    char *fields[MAX_FIELDS], clean[DINDBIND_PATH_MAX], *type = strdup("volume");
    size_t n = 0;
    bool binds = false;
    NEED(type);
    for (bool more = true; more; p++) {
        struct output room;
        struct out *o = output_in(&room);
        const char *end = csv_next(p, o);
        char *field = output_end(o);
        if (!end || n == MAX_FIELDS) {
            w.bad = true;
            free(field);
            break;
        }
        fields[n++] = field;
        if (!strncasecmp(field, "type=", 5)) {
            free(type);
            type = strdup(field + 5);
            NEED(type);
        }
        more = *end;
        p = end;
    }
    for (size_t i = 0; i < COUNT(grammar); i++)
        row = strcasecmp(grammar[i].type, type) ? row : grammar[i].keys;
    for (size_t i = 0; row && i < n; i++)
        want_field(&w, row, fields[i]);
    bool good = row && !w.bad && w.target && !clean_path(w.target, clean) && w.propagations < 2 && w.labels < 2 &&
                w.execs < 2 && w.devs < 2 && w.suids < 2;
    if (good && !strcasecmp(type, "volume"))
        good = may_be_volume(w.driver, w.option[0], w.option[1], w.option[2], w.options, &binds);
    *volume_ro = good && binds && is_ro_last(w.option[2]);
    if (good && !strcasecmp(type, "bind"))
        good = w.source && *w.source;
    else if (good)
        good = !w.source || !strchr("/.", *w.source) || !*w.source;
    while (n)
        free(fields[--n]);
    free(type);
    return good;
}

/* Both readers of CSV, field by field. */
static bool check_csv(const char *text)
{
    char *mine = malloc(strlen(text) + 1);
    const char *p = text, *end;
    NEED(mine);
    do {
        struct output room;
        struct out *o = output_in(&room);
        bool bad;
        size_t n = csv_field(p, mine, &bad);
        end = csv_next(p, o);
        char *other = output_end(o);
        NEED(bad == !end);
        NEED(bad || (end == p + n && equal(mine, other)));
        free(other);
        p += n + 1;
    } while (end && *end);
    free(mine);
    return end;
}

/* The answer has the fields of the question, but for those that had to change, and maybe one more. */
static void check_fields(const struct spec *s, const struct spec *again, const char *source, const char *target,
                         bool ro)
{
    NEED(again->nfields == s->nfields || (ro && again->nfields == s->nfields + 1));
    for (size_t i = 0; i < s->nfields; i++) {
        const struct field *f = &s->fields[i], *g = &again->fields[i];
        char *old = csv_text(f->at), *now = csv_text(g->at);
        if (f->role == FIELD_SOURCE || (f->role == FIELD_TARGET && target)) {
            NEED(!strncasecmp(old, now, f->key_len) && (f->role == FIELD_TARGET || g->role == FIELD_SOURCE));
            NEED(equal(now + f->key_len, f->role == FIELD_SOURCE ? source : target));
        } else if (f->role == FIELD_READONLY && ro)
            NEED(equal(now, "readonly"));
        else
            NEED(f->len == g->len && !memcmp(f->at, g->at, f->len));
        free(old);
        free(now);
    }
}

/* unicode.IsSpace() of the last character, decoded. */
static bool is_trimmed(const char *text)
{
    static const wchar_t spaces[] = { 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 };
    size_t n = strlen(text), k = n;
    unsigned c = 0;
    while (k && ((unsigned char)text[--k] & 0xc0) == 0x80)
        ;
    if (n == k)
        return false;
    if (n - k == 1)
        return strchr(" \t\n\v\f\r", text[k]);
    const unsigned char *p = (const unsigned char *)text + k;
    if (n - k == 2 && (*p & 0xe0) == 0xc0)
        c = (*p & 0x1fu) << 6 | (p[1] & 0x3fu);
    else if (n - k == 3 && (*p & 0xf0) == 0xe0)
        c = (*p & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    for (size_t i = 0; i < COUNT(spaces); i++)
        if (c == (unsigned)spaces[i])
            return true;
    return c >= 0x2000 && c <= 0x200a;
}

static void mount_again(const struct spec *s, const char *source, const char *target, bool ro)
{
    struct output room;
    struct out *o = output_in(&room);
    struct arena a = { NULL };
    struct spec again;
    ro = ro || s->ro;
    const char *wrong = put_mount(o, s, source, target, ro);
    char *text = output_end(o);
    NEED(!!wrong == (strchr(source, '\r') || (target && strchr(target, '\r')) || is_trimmed(text)));
    if (!wrong) {
        NEED(check_csv(text));
        wrong = parse_mount(&a, text, &again);
        NEED(!wrong || (s->nfields == MAX_FIELDS && ro));
    }
    if (!wrong) {
        NEED(equal(again.source, source) && equal(again.target, target ? target : s->target));
        NEED(again.ro == ro && again.flat == s->flat && again.create == s->create && again.volume == s->volume);
        NEED(again.volume_ro == s->volume_ro);
        NEED(again.noci == s->noci && !again.never == !s->never);
        check_fields(s, &again, source, target, ro);
    }
    free(text);
    arena_free(&a);
}

static void fuzz_mount(char *text, size_t len)
{
    struct arena a = { NULL };
    struct spec s;
    (void)len;
    bool good = check_csv(text), volume_ro;
    const char *wrong = parse_mount(&a, text, &s);
    NEED(wrong || good);
    NEED(!wrong == may_be_mount(text, &volume_ro));
    if (!wrong) {
        NEED(s.volume_ro == volume_ro);
        NEED(*s.target == '/' && s.nfields <= MAX_FIELDS && s.noci <= 4);
        for (size_t i = 0; i < s.nfields; i++)
            NEED(s.fields[i].at >= text && s.fields[i].at + s.fields[i].len <= text + strlen(text));
    }
    if (!wrong && s.source) {
        check_oci_mount(&s);
        mount_again(&s, s.source, NULL, false);
        for (size_t i = 0; i < COUNT(answers); i++)
            mount_again(&s, answers[i].path, answers[i].below ? "/t,\"/below" : NULL, answers[i].ro);
        mount_again(&s, "/h", "/t/c\rr", false);
    }
    arena_free(&a);
}

/* ==== create bodies ===================================================================================== */

struct bodies {
    struct dindbind_batch batch;
    struct dindbind_runner runner;
    struct dindbind_result res;
};

/* NULL, or what is wrong. dindbind_end() comes later. */
static const char *body_take(struct bodies *b, const char *text, size_t len)
{
    memset(&b->batch, 0, offsetof(struct dindbind_batch, room));
    memset(&b->runner, 0, sizeof b->runner);
    b->res = (struct dindbind_result){ .fd = -1 };
    b->batch.runner = &b->runner;
    int error = dindbind_add_body(&b->batch, text, len);
    NEED(error == 0 || error == DINDBIND_E_USAGE);
    NEED(!error || (b->batch.about && b->batch.wrong && !b->batch.work->nitems));
    return error ? b->batch.wrong : NULL;
}

static const struct spec *spec_at(const struct body *b, const char *json)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->specs[i].json == json)
            return &b->specs[i];
    return NULL;
}

/* The last of that name, which must be the only one. */
static const char *only(const char *object, const char *name)
{
    size_t n;
    const char *found = member(object, name, true, &n);
    NEED(n < 2);
    return found;
}

/* The text of an optional string, to be freed. */
static char *text_of(const char *value)
{
    if (is_null(value))
        return NULL;
    NEED(*value == '"');
    struct spelled s = read_string(value, json_skip(value));
    NEED(s.good && !s.half);
    free(s.from);
    return s.text;
}

/* The device of a local volume with o=bind; all other options that pass are known. */
static const char *device_of(const struct spec *s, const char *volume_options)
{
    const char *driver = only(volume_options, "DriverConfig"), *map = only(driver, "Options");
    const char *value[4] = { NULL };
    struct json_walk w = { .at = map };
    bool binds, any = false;
    while (map && *map == '{' && json_next(&w)) {
        int i = 0;
        while (option_row[i] && !says(w.key, option_row[i]))
            i++;
        NEED(option_row[i]);
        value[i] = w.value;
        any = true;
    }
    char *name = text_of(only(driver, "Name")), *type = text_of(value[0]), *device = text_of(value[1]);
    char *o = text_of(value[2]);
    NEED(may_be_volume(name, type, device, o, any, &binds));
    NEED(s->volume == binds && s->volume_ro == (binds && is_ro_last(o)));
    free(name);
    free(type);
    free(device);
    free(o);
    return binds ? value[1] : NULL;
}

static bool is_bool_or_null(const char *value)
{
    return is_null(value) || !strncmp(value, "true", 4) || !strncmp(value, "false", 5);
}

/* An element of Mounts: is its type known, is a bind known as one, does its source stand where the daemon takes it
 * from, and are its values of the kinds that the daemon's decoder takes? */
static void check_found_mount(const struct spec *s, const char *value)
{
    static const char *const bools[] = { "NonRecursive", "CreateMountpoint", "ReadOnlyNonRecursive",
                                         "ReadOnlyForceRecursive" };
    static const char *const peers[] = { "shared", "rshared", "slave", "rslave" };
    const char *type = only(value, "Type"), *want = NULL, *bind = only(value, "BindOptions");
    bool known = false, peer = false;
    NEED(type && *type == '"');
    for (size_t i = 0; i < COUNT(grammar); i++)
        known = known || says(type, grammar[i].type);
    NEED(known);
    if (says(type, "bind")) {
        want = only(value, "Source");
        for (size_t i = 0; i < COUNT(peers); i++)
            peer = peer || says(only(bind, "Propagation"), peers[i]);
        NEED(!!s->peers == peer);
    } else if (says(type, "volume"))
        want = device_of(s, only(value, "VolumeOptions"));
    NEED(s->at_source == want && !s->source == !want);
    NEED(!want || says(want, s->source));
    free(text_of(only(value, "Source")));
    free(text_of(only(value, "Target")));
    NEED(s->at_target == only(value, "Target") && s->at_readonly == only(value, "ReadOnly"));
    NEED(is_bool_or_null(s->at_readonly));
    for (size_t i = 0; i < COUNT(bools); i++)
        NEED(is_bool_or_null(only(bind, bools[i])));
}

/* A key of Volumes or Tmpfs: nothing in it that podman would bind. */
static void check_found_places(const char *object)
{
    struct json_walk w = { .at = object };
    NEED(is_null(object) || *object == '{');
    while (json_next(&w)) {
        struct spelled key = read_string(w.key, json_skip(w.key));
        NEED(key.good && !key.half);
        size_t name = 0;
        while (name < key.len && (isalnum((unsigned char)key.text[name]) || (name && strchr("_.-", key.text[name]))))
            name++;
        for (size_t i = 0; i + 1 < key.len; i++)
            NEED(key.text[i] != ':' || key.text[i + 1] != '/' || (name && key.text[name] == ':'));
        free_spelled(&key);
    }
}

/* Nothing that the daemon would mount was overlooked. */
static void check_found(const struct body *b)
{
    const char *host = only(json_space(b->text), "HostConfig");
    struct json_walk binds = { .at = only(host, "Binds") }, mounts = { .at = only(host, "Mounts") };
    const char *last = NULL;
    check_found_places(only(json_space(b->text), "Volumes"));
    check_found_places(only(host, "Tmpfs"));
    while (json_next(&binds)) {
        const struct spec *s = spec_at(b, binds.value);
        struct spelled text = read_string(binds.value, json_skip(binds.value));
        NEED(s && text.good && !text.half && equal(s->text, text.text));
        free_spelled(&text);
    }
    while (json_next(&mounts)) {
        const struct spec *s = spec_at(b, mounts.value);
        NEED(s && !s->rest);
        check_found_mount(s, mounts.value);
    }
    for (size_t i = 0; i < b->n && !b->specs[i].aside; i++) {
        NEED(b->specs[i].json > last);
        last = b->specs[i].json;
    }
}

/* The path that stands for the i-th mount. */
static void make_up(const struct answer *v, size_t i, bool below, char *out, size_t size)
{
    snprintf(out, size, "%s%zu%s", v->path, i, below ? "/sub mount" : "");
}

static bool may_write(const struct spec *s, const char *source, const char *target)
{
    if (!valid_utf8(source) || (target && !valid_utf8(target)))
        return false;
    if (s->rest)
        return !strchr(source, ':') && (!target || !strchr(target, ':'));
    return (s->volume || !strchr(source, ',')) && (!target || !strchr(target, ','));
}

/* An element of Binds in the output: the text that it should have, in the old spelling where that could stay. */
static void check_bind(const struct spec *s, const char *now, const char *source, const char *target, bool ro)
{
    const char *end = json_skip(now);
    struct spelled text = read_string(now, end), old = read_string(s->json, json_skip(s->json));
    char *want = ro && !s->ro ? expect_volume(s->text, source, target, true) : NULL;
    if (!want) {
        const char *rest = strchr(old.text, ':'), *mode = strchrnul(rest + 1, ':');
        NEED(asprintf(&want, "%s%s%s%s", source, target ? ":" : "", target ? target : "", target ? mode : rest) >= 0);
    }
    NEED(text.good && equal(text.text, want));
    if (!target) {
        const char *from = old.from[strchr(old.text, ':') - old.text], *at = text.from[strlen(source)];
        const char *to = ro && !s->ro ? s->tail : json_skip(s->json);
        NEED(!memcmp(from, at, (size_t)(to - from)));
    }
    free(want);
    free_spelled(&text);
    free_spelled(&old);
}

/* An element of Mounts: byte by byte the same, but for the values that had to change. */
static void check_mount(const struct spec *s, const char *now, const char *source, const char *target, bool ro)
{
    const char *old = s->json, *old_end = json_skip(old), *now_end = json_skip(now);
    ro = ro && !s->ro;
    while (old < old_end) {
        bool is_target = old == s->at_target;
        if (old == s->at_source || (is_target && target)) {
            NEED(says(now, is_target ? target : source));
            old = json_skip(old);
            now = json_skip(now);
        } else if (old == s->at_readonly && ro) {
            NEED(!strncmp(now, "true", 4));
            old = json_skip(old);
            now += 4;
        } else if (is_target) {
            size_t n = (size_t)(json_skip(old) - old);
            NEED(!memcmp(old, now, n));
            old += n;
            now += n;
        } else
            NEED(now < now_end && *old++ == *now++);
        if (is_target && ro && !s->at_readonly) {
            NEED(!strncmp(now, ",\"ReadOnly\":true", 16));
            now += 16;
        }
    }
    NEED(now == now_end);
}

/* Past one element of the output. */
static const char *check_element(const struct spec *s, const char *now, const char *source, const char *target, bool ro)
{
    (s->rest ? check_bind : check_mount)(s, now, source, target, ro);
    return json_skip(now);
}

static bool has_below(const struct answer *v, const struct spec *s)
{
    return v->below && !s->flat && !s->volume;
}

/* A target that another spec has, or that lies below one, is not mounted over. */
static bool taken(const struct dindbind_work *j, const struct spec *s, const char *target)
{
    for (size_t i = 0; i < j->nitems; i++) {
        const char *other = j->items[i].spec->target;
        size_t n = strlen(other), mine = strlen(s->target);
        if (n > mine && !strncmp(other, s->target, mine) && other[mine] == '/' && !strncmp(target, other, n) &&
            (!target[n] || target[n] == '/'))
            return true;
    }
    return false;
}

/* What dindbind_answer() does, for answers that are made up. False: one of them cannot be written. */
static bool body_put(struct bodies *b, const struct answer *v)
{
    struct dindbind_work *j = b->batch.work;
    bool good = true;
    for (size_t i = 0; good && i < j->nitems; i++) {
        struct item *it = &j->items[i];
        char path[128], below[DINDBIND_PATH_MAX + 16];
        if (it->passes)
            continue;
        it->res = &b->res;
        b->res.ro = v->ro || it->spec->ro;
        make_up(v, i, false, b->res.path, sizeof b->res.path);
        const char *wrong = put_one(j, it, NULL);
        NEED(!wrong == may_write(it->spec, b->res.path, NULL));
        if (!wrong && has_below(v, it->spec)) {
            make_up(v, i, true, path, sizeof path);
            struct dindbind_mount m = { .source = "/", .rest = "/sub/m", .path = path, .ro = v->ro };
            snprintf(below, sizeof below, "%s%s", it->spec->target, m.rest);
            wrong = put_below(j, it, &m);
            NEED(!wrong == (taken(j, it->spec, below) ||
                            (may_write(it->spec, path, below) && strlen(below) < DINDBIND_PATH_MAX)));
        }
        good = !wrong;
    }
    put_bytes(&j->out, j->body.done, (size_t)(j->body.end - j->body.done));
    return good;
}

/* The output is the input outside of what was translated. */
static void check_copy(const struct bodies *b, const struct answer *v, const char *out, size_t len)
{
    const struct dindbind_work *j = b->batch.work;
    const char *in = j->body.text, *now = out, *end = out + len;
    char path[128], below[DINDBIND_PATH_MAX + 16];
    for (size_t i = 0; i < j->nitems; i++) {
        const struct spec *s = j->items[i].spec;
        size_t n = (size_t)(s->json - in);
        if (j->items[i].passes)
            continue;
        NEED(n < (size_t)(end - now) && !memcmp(in, now, n));
        make_up(v, i, false, path, sizeof path);
        now = check_element(s, now + n, path, NULL, v->ro);
        in = json_skip(s->json);
        snprintf(below, sizeof below, "%s/sub/m", s->target);
        if (!has_below(v, s) || taken(j, s, below))
            continue;
        NEED(*now == ',');
        make_up(v, i, true, path, sizeof path);
        now = check_element(s, now + 1, path, below, v->ro);
    }
    NEED((size_t)(end - now) == (size_t)(j->body.end - in) && !memcmp(in, now, (size_t)(end - now)));
}

/* One spec of the second reading, against the first. */
static void check_spec(const struct spec *s, const struct spec *again, const char *source, const char *target, bool ro)
{
    NEED(equal(again->source, source) && equal(again->target, target));
    NEED(again->ro == (ro || s->ro) && again->flat == s->flat && again->volume == s->volume);
    NEED(again->volume_ro == s->volume_ro);
    NEED(again->create == s->create && !again->rest == !s->rest && again->aside == s->aside);
}

/* Parsed again it says the same of the new sources. */
static void check_again(const struct bodies *b, const struct answer *v, const char *out, size_t len)
{
    struct bodies again;
    char path[128], below[DINDBIND_PATH_MAX + 16];
    const char *wrong = body_take(&again, out, len);
    size_t k = 0;
    NEED(!wrong || equal(wrong, "more than 1000 mounts"));
    for (size_t i = 0; !wrong && i < b->batch.work->nitems; i++) {
        const struct item *it = &b->batch.work->items[i];
        NEED(k < again.batch.work->nitems);
        make_up(v, i, false, path, sizeof path);
        bool same = it->passes;
        check_spec(it->spec, again.batch.work->items[k++].spec, same ? it->spec->source : path, it->spec->target,
                   !same && v->ro);
        snprintf(below, sizeof below, "%s/sub/m", it->spec->target);
        if (same || !has_below(v, it->spec) || taken(b->batch.work, it->spec, below))
            continue;
        NEED(k < again.batch.work->nitems);
        make_up(v, i, true, path, sizeof path);
        check_spec(it->spec, again.batch.work->items[k++].spec, path, below, v->ro);
    }
    NEED(wrong || k == again.batch.work->nitems);
    dindbind_end(&again.batch);
}

static void body_case(const char *text, size_t len, const struct answer *v)
{
    struct bodies b;
    struct output room;
    if (!body_take(&b, text, len)) {
        struct dindbind_work *w = b.batch.work;
        struct out mine = w->out;
        check_found(&w->body);
        w->out = *output_in(&room);
        bool good = body_put(&b, v);
        size_t n = w->out.len;
        char *out = output_end(&w->out);
        w->out = mine;
        if (good) {
            check_copy(&b, v, out, n);
            check_again(&b, v, out, n);
        }
        free(out);
    }
    dindbind_end(&b.batch);
}

static void fuzz_body(char *text, size_t len)
{
    for (size_t i = 0; i < COUNT(answers); i++)
        body_case(text, len, &answers[i]);
}

/* ==== descriptions ====================================================================================== */

static void check_rows(struct view *v)
{
    char why[512], clean[DINDBIND_PATH_MAX];
    struct text t = text_in(why, sizeof why, "");
    struct dindbind_runner *r = v->runner;
    bool long_host = false;
    r->binds = v->rows;
    r->nbinds = v->nrows;
    for (size_t i = 0; i < v->nrows; i++) {
        NEED(!v->rows[i].host || *v->rows[i].host == '/');
        NEED(!clean_path(v->rows[i].path, clean) && !strcmp(clean, v->rows[i].path));
        long_host = long_host || (v->rows[i].host && strlen(v->rows[i].host) >= DINDBIND_PATH_MAX);
    }
    NEED(!binds_check(r, &t) == !long_host);
    NEED(r->pid >= 0 && r->pid <= INT_MAX && (!r->pid || v->have_pid));
}

/* The row for a source: the longest one by components, the last of several. */
static void check_covered(const struct dindbind_runner *r, const char *source)
{
    const struct dindbind_bind *best = NULL;
    const char *rest;
    size_t longest = 0;
    for (size_t k = 0; k < r->nbinds; k++) {
        const char *path = r->binds[k].path;
        size_t n = strcmp(path, "/") ? strlen(path) : 0;
        if (!strncmp(path, source, n) && strchr("/", source[n]) && n >= longest) {
            best = &r->binds[k];
            longest = n;
        }
    }
    NEED(bind_row(r, source, &rest) == best && rest == source + longest);
}

/* Sources below each row, and beside it. */
static void check_cover(const struct dindbind_runner *r)
{
    static const char *const more[] = { "", "/x/y", "-x", "-x/y" };
    for (size_t i = 0; i < 4 * r->nbinds && i < 100; i++) {
        char *source;
        NEED(asprintf(&source, "%s%s", r->binds[i / 4].path, more[i % 4]) >= 0);
        check_covered(r, source);
        free(source);
    }
}

/* The rows as lines again. */
static void lines_again(const struct view *v)
{
    struct output room;
    struct out *o = output_in(&room);
    struct arena a = { NULL };
    struct dindbind_runner r = { 0 };
    struct view again = { .runner = &r, .arena = &a };
    char numbers[64];
    size_t line;
    snprintf(numbers, sizeof numbers, "pid %ld:%llu", v->runner->pid, v->runner->start);
    put(o, v->have_pid ? numbers : "# no pid");
    for (size_t i = 0; i < v->nrows; i++) {
        put(o, "\n\t bind \t");
        put(o, v->rows[i].host);
        put(o, ":");
        put(o, v->rows[i].path);
        put(o, v->rows[i].ro ? ":ro" : ":rw");      /* a path may end in a carriage return */
    }
    size_t len = o->len;
    char *text = output_end(o);
    NEED(!view_lines(&again, text, len, &line) && line == v->nrows + 1);
    NEED(again.nrows == v->nrows && r.pid == v->runner->pid && r.start == v->runner->start);
    for (size_t i = 0; i < v->nrows; i++)
        NEED(equal(again.rows[i].host, v->rows[i].host) && equal(again.rows[i].path, v->rows[i].path) &&
             again.rows[i].ro == v->rows[i].ro);
    free(text);
    arena_free(&a);
}

static void fuzz_lines(char *text, size_t len)
{
    struct arena a = { NULL };
    struct dindbind_runner r = { 0 };
    struct view v = { .runner = &r, .arena = &a };
    size_t line, lines = 1;
    bool nul = strlen(text) != len;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    const char *wrong = view_lines(&v, text, len, &line);
    NEED(line <= lines && (!wrong || nul || line) && (wrong || !nul));
    if (!wrong) {
        check_rows(&v);
        check_cover(&r);
        lines_again(&v);
    }
    arena_free(&a);
}

/* The layers that inspect names come out of the options as they went in. */
static void check_inspected(const char *top, const struct dindbind_runner *r)
{
    struct arena a = { NULL };
    size_t n;
    const char *data = member(member(top, "GraphDriver", false, &n), "Data", false, &n);
    const char *lower = decoded(&a, JSON_OURS, member(data, "LowerDir", false, &n));
    const char *upper = decoded(&a, JSON_OURS, member(data, "UpperDir", false, &n));
    struct options *o = malloc(sizeof *o);
    char *parsed = malloc(strlen(r->overlay) + 1);
    NEED(o && parsed);
    if (parse_options(o, r->overlay, parsed, AS_STRING)) {
        struct output room;
        struct out *joined = output_in(&room);
        for (size_t i = 0; i < o->nlower; i++) {
            put(joined, !i ? "" : i < o->nlower - o->ndata ? ":" : "::");
            put(joined, o->lower[i]);
        }
        char *text = output_end(joined);
        NEED(equal(text, lower) && equal(o->upper, upper));
        free(text);
    } else
        NEED(*lower == ':' || lower[strlen(lower) - 1] == ':' || strstr(lower, "::") || strlen(lower) > 2 * MAX_LAYERS);
    free(parsed);
    free(o);
    arena_free(&a);
}

static void runner_case(const char *text, size_t len, const char *bundle)
{
    struct arena a = { NULL };
    struct dindbind_runner r = { 0 };
    struct view v = { .runner = &r, .arena = &a };
    struct json_error e = { NULL, NULL };
    const char *value = json_check(&e, text, len), *wrong = value ? view_json(&v, value, bundle) : NULL;
    if (value && !wrong) {
        check_rows(&v);
        check_cover(&r);
        NEED(!v.have_pid || view_json(&v, value, bundle));    /* not another one */
        NEED(!r.merged || !*r.merged || *r.merged == '/');
        if (*value == '[')
            value = json_space(value + 1);
        if (r.overlay)
            check_inspected(value, &r);
    }
    arena_free(&a);
}

static void fuzz_runner(char *text, size_t len)
{
    runner_case(text, len, NULL);
    runner_case(text, len, "/bundle");
}

/* ==== mountinfo ========================================================================================= */

/* As the kernel writes a name (seq_escape()). */
static void put_octal(struct out *o, const char *s, const char *set)
{
    for (; *s; s++) {
        char octal[8];
        if (strchr(set, *s))
            put_bytes(o, octal, (size_t)snprintf(octal, sizeof octal, "\\%03o", (unsigned char)*s));
        else
            put_bytes(o, s, 1);
    }
}

static char *octal_text(const char *s)
{
    struct output room;
    struct out *o = output_in(&room);
    while (*s) {
        bool escape = *s == '\\' && s[1] && strchr("0123", s[1]) && strspn(s + 2, "01234567") >= 2;
        char c = escape ? (char)strtol(strndupa(s + 1, 3), NULL, 8) : *s;
        put_bytes(o, &c, 1);
        s += escape ? 4 : 1;
        if (!c)
            break;              /* \000: a string ends there */
    }
    return output_end(o);
}

static bool is_number(const char *s, size_t n)
{
    return n && strspn(s, "0123456789") >= n && (strspn(s, "0") >= n || n - strspn(s, "0") <= 10) &&
           strtoull(strndupa(s, n), NULL, 10) <= UINT32_MAX;
}

enum { MAX_WORDS = 256 };

/* The row of a line that is ours, by words. False: it is none. */
static bool row_of(char *line, struct mount_row *row)
{
    char *words[MAX_WORDS + 8] = { 0 }, *none = line + strlen(line), *save = line;
    size_t n = 0, dash = 6;
    while (save && n < MAX_WORDS)
        words[n++] = strsep(&save, " ");
    for (size_t i = n; i < COUNT(words); i++)
        words[i] = none;
    while (dash < n && (strcmp(words[dash], "-") || dash + 1 == n))
        dash++;
    row->root = words[3];
    row->point = words[4];
    row->options = words[5];
    row->type = dash < n ? words[dash + 1] : none;
    row->source = dash < n ? words[dash + 2] : none;
    row->super = dash < n ? words[dash + 3] : none;
    for (size_t i = dash + 4; i < n; i++)
        words[i][-1] = ' ';     /* the rest, spaces and all */
    const char *colon = strchr(words[2], ':');
    return is_number(words[0], strlen(words[0])) && is_number(words[1], strlen(words[1])) && colon &&
           is_number(words[2], (size_t)(colon - words[2])) && is_number(colon + 1, strlen(colon + 1)) && *words[5];
}

static void same_row(const struct mount_row *row, const struct mount_row *want)
{
    char *root = octal_text(want->root), *point = octal_text(want->point);
    NEED(equal(row->root, root) && equal(row->point, point) && equal(row->options, want->options));
    NEED(equal(row->type, want->type) && equal(row->source, want->source) && equal(row->super, want->super));
    free(root);
    free(point);
}

/* Rows of a name that the kernel would have had to escape. */
static void check_written(const char *name)
{
    static const char set[] = " \t\n\\#";
    struct output room;
    struct out *o = output_in(&room);
    struct mount_row row;
    for (int i = 0; i < 2; i++) {
        put(o, "36 35 98:0 /");
        put_octal(o, name, set);
        put(o, " /mnt/");
        put_octal(o, name, set);
        put(o, i ? " rw,noatime shared:1 master:7 - ext4 " : " ro - ext4 ");
        put_octal(o, name, set);
        put(o, " rw,lowerdir=");
        put_octal(o, name, ", \t\n\\");
        put(o, "\n");
    }
    char *text = output_end(o), *p = text;
    for (int i = 0; i < 2; i++) {
        NEED(mount_parse(cut_word(&p, '\n'), &row) && row.id == 36 && row.parent == 35 && row.dev == 98ull << 32);
        NEED(!strcmp(row.root + 1, name) && !strncmp(row.point, "/mnt/", 5) && !strcmp(row.point + 5, name));
        NEED(is_ro(&row) == !i && equal(row.type, "ext4") && !strncmp(row.super, "rw,lowerdir=", 12));
    }
    NEED(!*p);
    free(text);
}

static void fuzz_mountinfo(char *text, size_t len)
{
    struct mount_row row, want;
    char *copy = strdup(text), *next = copy, *p = text;
    NEED(copy);
    (void)len;
    check_written(text);
    for (bool good = true; good && *p;) {
        char *line = strsep(&next, "\n"), *before = p;
        NEED(line);
        good = mount_parse(cut_word(&p, '\n'), &row);
        NEED(p > before && p <= before + strlen(line) + 1);
        if (strlen(line) >= MAX_WORDS)
            continue;           /* maybe more words than we count */
        NEED(good == row_of(line, &want));
        if (good)
            same_row(&row, &want);
    }
    free(copy);
}

/* ==== overlay options =================================================================================== */

/* What the kernel makes of a string for mount(2): fs/overlayfs/params.c, as of 6.18. */
struct kernel {
    char *upper, *lower[2 * MAX_LAYERS];
    size_t nlower, ndata;
    bool failed;
};

/* ovl_next_opt() */
static char *kernel_option(char **s)
{
    char *start = *s, *p = start;
    if (!start)
        return NULL;
    for (; *p && *p != ','; p++)
        if (*p == '\\' && !*++p)
            break;
    *s = *p ? p + 1 : NULL;
    *p = 0;
    return start;
}

/* ovl_unescape() */
static char *kernel_unescape(char *s)
{
    for (char *from = s, *to = s;; from++, to++) {
        if (*from == '\\')
            from++;
        *to = *from;
        if (!*to)
            return s;
    }
}

static void kernel_layer(struct kernel *k, char *dir, bool data)
{
    k->failed = k->failed || !*dir || k->nlower == MAX_LAYERS || (!data && k->ndata) || (data && !k->nlower);
    if (k->failed)
        return;
    k->lower[k->nlower++] = dir;
    k->ndata += data;
}

/* ovl_parse_param_lowerdir() */
static void kernel_lowerdir(struct kernel *k, char *value)
{
    bool data = false;
    k->nlower = k->ndata = 0;
    while (value && !k->failed) {
        char *end = value;
        for (; *end && *end != ':'; end++)
            if (*end == '\\' && !*++end)
                break;
        char *next = *end ? end + 1 : NULL;
        *end = 0;
        kernel_layer(k, kernel_unescape(value), data);
        data = next && *next == ':';
        value = data ? next + 1 : next;
    }
}

static void kernel_parse(struct kernel *k, char *text)
{
    for (char *word; (word = kernel_option(&text));) {
        if (!strncmp(word, "lowerdir=", 9))
            kernel_lowerdir(k, word + 9);
        if (!strncmp(word, "lowerdir+=", 10))
            kernel_layer(k, word + 10, false);
        if (!strncmp(word, "datadir+=", 9))
            kernel_layer(k, word + 9, true);
        if (!strncmp(word, "upperdir=", 9))
            k->upper = kernel_unescape(word + 9);
    }
}

/* Security contexts are quoted where they have commas, and are taken out by SELinux before. */
static bool has_context(const char *text)
{
    return strstr(text, "context=");
}

static void check_kernel(const char *text, const struct options *o)
{
    struct kernel *k = calloc(1, sizeof *k);
    char *copy = strdup(text);
    NEED(k && copy);
    kernel_parse(k, copy);
    NEED(!k->failed && k->nlower == o->nlower && k->ndata == o->ndata && equal(k->upper, o->upper));
    for (size_t i = 0; i < k->nlower; i++)
        NEED(equal(k->lower[i], o->lower[i]));
    free(copy);
    free(k);
}

/* As mountinfo shows the options of such a string, word by word (ovl_show_options(), seq_show_option()). */
static char *kernel_shows(const char *text)
{
    struct output room;
    struct out *o = output_in(&room);
    char *copy = strdup(text), *rest = copy;
    bool first = true;
    NEED(copy);
    for (char *word; (word = kernel_option(&rest)); first = false) {
        put(o, first ? "" : ",");
        char *value = strchr(word, '=');
        if (value)
            *value++ = 0;
        put_octal(o, word, ",= \t\n\\");
        if (value) {
            put(o, "=");
            put_octal(o, value, ", \t\n\\");
        }
    }
    free(copy);
    return output_end(o);
}

/* One reading, in a block that is just big enough. */
static bool parse_tight(struct options *o, const char *text, char **block, enum reading how)
{
    size_t room = strlen(text) + 1;
    *block = malloc(room);
    NEED(*block);
    bool good = parse_options(o, text, *block, how);
    for (size_t i = 0; good && i < o->nlower; i++)
        NEED(*o->lower[i] && o->lower[i] >= *block && o->lower[i] + strlen(o->lower[i]) < *block + room);
    NEED(!good || (o->nlower > o->ndata && o->nlower <= MAX_LAYERS));
    NEED(good || !*text || (o->bad && *o->bad));
    return good;
}

/* A string, and what mountinfo shows of it, are the same options. */
static void check_readings(const char *text)
{
    struct options *o = malloc(2 * sizeof *o);
    char *block[2], *shown = kernel_shows(text);
    NEED(o);
    bool good = parse_tight(o, text, &block[0], AS_STRING);
    if (good && !has_context(text)) {
        check_kernel(text, o);
        NEED(may_be_mountinfo(shown) && parse_tight(o + 1, shown, &block[1], AS_MOUNTINFO));
        NEED(same_options(o, o + 1) && !memcmp(o->word, o[1].word, sizeof o->word));
        free(block[1]);
    }
    free(block[0]);
    for (int how = 0; how < READINGS; how++) {
        parse_tight(o, text, &block[0], (enum reading)how);
        free(block[0]);
    }
    free(shown);
    free(o);
}

/* The overlay that -f oci asks for has the layers that it should have. */
static void check_oci(const struct dindbind_layers *l)
{
    struct output room;
    struct out *o = output_in(&room);
    struct arena a = { NULL };
    char *layers[MAX_LAYERS + 1], *block;
    struct dindbind_result res = { .kind = DINDBIND_MERGED, .nlayers = l->n, .layers = layers, .options = l->words };
    struct spec s = { .target = "/" };
    static const struct json_row rows[] = { { 0 }, { .name = "options" } };
    struct member m[COUNT(rows)];
    for (size_t i = 0; i < l->n; i++)
        layers[i] = l->v[i].dir;
    const char *wrong = put_oci(o, &s, &res);
    size_t len = o->len;
    char *json = output_end(o);
    NEED(json_check(&(struct json_error){ 0 }, json, len) == json &&
        !json_members(&a, JSON_OURS, json, rows, COUNT(rows), m));
    struct json_walk w = { .at = m[1].at };
    NEED(json_next(&w) && json_is(w.value, "ro", false) && json_next(&w));
    struct options *parsed = malloc(sizeof *parsed);
    const char *text = decoded(&a, JSON_OURS, w.value);
    NEED(parsed && text);
    if (!wrong) {
        NEED(parse_tight(parsed, text, &block, AS_STRING) && !parsed->upper);
        NEED(parsed->nlower == l->n && !parsed->ndata);
        for (size_t i = 0; i < l->n; i++)
            NEED(equal(parsed->lower[i], layers[i]));
        free(block);
    }
    free(parsed);
    free(json);
    arena_free(&a);
}

/* A row of which the parser of all options knows every word: what only looks for upperdir= sees the same in it. */
static void check_upperdir(const char *text)
{
    char upper[DINDBIND_PATH_MAX] = "", *block;
    bool shown = upperdir_shown(text, upper);
    struct options *o = malloc(sizeof *o);
    NEED(o);
    if (parse_tight(o, text, &block, AS_MOUNTINFO_RAW)) {
        size_t given = 0;
        for (const char *p = text; *p; p = after_word(p, option_length(p, false)))
            given += starts_with(p, "upperdir=");
        bool known = given == 1 && strlen(o->upper) < sizeof upper && !strchr(o->upper, '\\');
        NEED(shown == known && (!known || equal(o->upper, upper)));
    }
    free(block);
    free(o);
}

static void fuzz_overlay(char *text, size_t len)
{
    char why[512], upper[DINDBIND_PATH_MAX];
    struct text t = text_in(why, sizeof why, "");
    struct dindbind_runner r = { .overlay = text, .proc_fd = -1 };
    (void)len;
    check_readings(text);
    check_upperdir(text);
    bool given;
    NEED(!upperdir_given(text, upper, &given));
    int rc = layers_open(&r, &t);
    NEED(rc ? !r.layers && t.len : r.layers && !t.len);
    if (!rc) {
        const struct dindbind_layers *l = r.layers;
        NEED(l->n && l->nlower && l->nlower + l->upper <= l->n && (l->upper || l->ro));
        for (size_t i = 0; i < l->n; i++)
            NEED(*l->v[i].dir == '/' && strlen(l->v[i].dir) < DINDBIND_PATH_MAX && l->v[i].fd == -1);
        check_oci(l);
    }
    layers_free(r.layers);
}

/* ==== paths ============================================================================================= */

/* By a stack of components. 0, or the error. */
static int clean(const char *path, char *out)
{
    const char *names[DINDBIND_PATH_MAX];
    size_t lens[DINDBIND_PATH_MAX], n = 0, total = 0;
    if (*path != '/')
        return *path ? DINDBIND_E_RELATIVE : DINDBIND_E_EMPTY;
    for (const char *p = path, *end; *p; p = end) {
        for (; *p == '/'; p++)
            ;
        end = strchrnul(p, '/');
        size_t len = (size_t)(end - p);
        if (len == 2 && p[0] == '.' && p[1] == '.') {
            if (n)
                total -= lens[--n] + 1;
        } else if (len && !(len == 1 && *p == '.')) {
            total += len + 1;
            if (total >= DINDBIND_PATH_MAX)
                return DINDBIND_E_TOOLONG;
            names[n] = p;
            lens[n++] = len;
        }
    }
    for (size_t i = 0; i < n; i++) {
        *out++ = '/';
        memcpy(out, names[i], lens[i]);
        out += lens[i];
    }
    strcpy(out, n ? "" : "/");
    return 0;
}

static void check_clean(const char *path)
{
    char *want = malloc(DINDBIND_PATH_MAX), *got = malloc(DINDBIND_PATH_MAX), *twice = malloc(DINDBIND_PATH_MAX);
    NEED(want && got && twice);
    int rc = clean_path(path, got);
    NEED(rc == clean(path, want));
    if (!rc) {
        size_t n = strlen(got);
        NEED(equal(got, want) && *got == '/' && n <= strlen(path) && n < DINDBIND_PATH_MAX);
        NEED(!strstr(got, "//") && !strstr(got, "/./") && !strstr(got, "/../"));
        NEED(n == 1 || (got[n - 1] != '/' && !ends_with(got, "/.") && !ends_with(got, "/..")));
        NEED(!clean_path(got, twice) && equal(got, twice));
    }
    free(want);
    free(got);
    free(twice);
}

/* The path over and over, up to a length around the limit. */
static char *repeated_path(const char *path, size_t len)
{
    char *text = malloc(len + 1);
    size_t n = strlen(path);
    NEED(text);
    for (size_t i = 0; i < len; i++)
        text[i] = i % (n + 1) ? path[i % (n + 1) - 1] : '/';
    text[len] = 0;
    return text;
}

static void fuzz_path(char *text, size_t len)
{
    check_clean(text);
    for (size_t i = len % 4; i < 12; i += 4) {
        char *big = repeated_path(text, DINDBIND_PATH_MAX - 6 + i);
        check_clean(big);
        free(big);
    }
}

/* ==== targets =========================================================================================== */

static const struct target {
    const char *name;
    void (*run)(char *text, size_t len);
    bool string;                /* up to a NUL */
} targets[] = {
    { "overlay", fuzz_overlay, true }, { "mountinfo", fuzz_mountinfo, true }, { "volume", fuzz_volume, true },
    { "mount", fuzz_mount, true },     { "lines", fuzz_lines, false },        { "runner", fuzz_runner, false },
    { "json", fuzz_json, false },      { "body", fuzz_body, false },          { "path", fuzz_path, true },
};

static const struct target *find_target(const char *name)
{
    for (size_t i = 0; name && i < COUNT(targets); i++)
        if (!strcmp(targets[i].name, name))
            return &targets[i];
    return NULL;
}

static void run_input(const struct target *t, const void *data, size_t n)
{
    if (n >= SPACE)
        return;
    for (int at_end = 1; at_end >= 0; at_end--) {
        char *copy = malloc(n + 1);
        NEED(copy);
        memcpy(copy, data, n);
        copy[n] = 0;
        size_t len = t->string ? strlen(copy) : n;
        t->run(place_input(copy, len, at_end), len);
        free(copy);
    }
}

#ifdef LIBFUZZER

static const struct target *target;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Put `n` bytes in place of those from `at` to `end`; the size then, or 0 where there is no room. */
static size_t replace(char *text, size_t size, size_t max, const char *at, const char *end, const char *with, size_t n)
{
    size_t head = (size_t)(at - text), tail = size - (size_t)(end - text);
    char *copy = head + n + tail <= max ? malloc(n + 1) : NULL;
    if (!copy)
        return 0;
    memcpy(copy, with, n);
    memmove(text + head + n, end, tail);
    memcpy(text + head, copy, n);
    free(copy);
    return head + n + tail;
}

/* JSON that stays JSON: a value or key becomes a copy of another, a member or element stands there twice, or a
 * value becomes one of these. 0: it is no JSON, or has become too big. */
static size_t mutate_json(char *text, size_t size, size_t max, unsigned seed)
{
    static const char *const words[] = {
        "null", "true", "0", "\"\"", "{}", "[]", "\"bind\"", "\"volume\"", "\"/a:/b\"", "[\"/a:/b:rw,z\",\"/c:/d\"]",
        "{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/b\",\"ReadOnly\":false}", "\"\\udcff\\u0041\"",
    };
    struct reader r;
    size_t n = 0;
    if (read_json(&r, text, size)) {
        const struct seen *to = &r.v[seed / 4 % r.n], *from = &r.v[seed / 4 / r.n % r.n];
        const char *word = words[seed / 4 / r.n % COUNT(words)];
        const char *start = to > r.v && to[-1].key ? to[-1].at : to->at;
        if (seed % 4 == 1 && to > r.v && !to->key) {
            n = replace(text, size, max, to->end, to->end, start, (size_t)(to->end - start));
            n = n ? replace(text, n, max, to->end, to->end, ",", 1) : 0;
        } else if (seed % 4 == 2 && !to->key)
            n = replace(text, size, max, to->at, to->end, word, strlen(word));
        else if (to->key == from->key)
            n = replace(text, size, max, to->at, to->end, from->at, (size_t)(from->end - from->at));
    }
    free(r.v);
    return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    bool json = target->run == fuzz_json || target->run == fuzz_runner || target->run == fuzz_body;
    size_t n = json && seed % 3 ? mutate_json((char *)data, size, max, seed / 3) : 0;
    return n ? n : LLVMFuzzerMutate(data, size, max);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    target = find_target(getenv("TARGET"));
    if (!target) {
        fprintf(stderr, "fuzz: $TARGET must name one of the targets, see tests/fuzz.c\n");
        exit(2);
    }
    check_arena();
    make_space();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run_input(target, data, size);
    return 0;
}

#else

static int tests_passed, tests_failed;
static size_t *tried;           /* the prefix in work: shared with the child that dies of it */

static void run_prefixes(const struct target *t, const char *file)
{
    char *text;
    long n = read_whole(sys_open(AT_FDCWD, file, O_RDONLY | O_CLOEXEC), SPACE, &text);
    NEED(n >= 0);
    for (*tried = (size_t)n; *tried < SIZE_MAX; --*tried)
        run_input(t, text, *tried);
    free(text);
}

static void run_file(const struct target *t, const char *file)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    NEED(pid >= 0);
    if (!pid) {
        run_prefixes(t, file);
        exit(0);                /* which looks for leaks, and writes what gcov counted */
    }
    NEED(waitpid(pid, &status, 0) == pid);
    if (status) {
        printf("FAILED: %s: -t %s, the first %zu bytes of it\n", file, t->name, *tried);
        tests_failed++;
    } else
        tests_passed++;
}

static int is_plain(const struct dirent *d)
{
    return *d->d_name != '.';
}

static void run_directory(const struct target *t, const char *corpus)
{
    struct dirent **v;
    char *dir, *file;
    NEED(asprintf(&dir, "%s/%s", corpus, t->name) >= 0);
    int n = scandir(dir, &v, is_plain, alphasort), before = tests_failed;
    if (n <= 0) {
        printf("FAILED: %s: no corpus there\n", dir);
        tests_failed++;
    }
    for (int i = 0; i < n; i++) {
        NEED(asprintf(&file, "%s/%s", dir, v[i]->d_name) >= 0);
        run_file(t, file);
        free(file);
        free(v[i]);
    }
    if (n >= 0)
        free(v);
    free(dir);
    printf("%-10s %d files, %d failed\n", t->name, n, tests_failed - before);
}

int main(int argc, char **argv)
{
    const struct target *t = argc > 3 && !strcmp(argv[1], "-t") ? find_target(argv[2]) : NULL;
    check_arena();
    make_space();
    tried = mmap(NULL, sizeof *tried, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(tried != MAP_FAILED);
    for (int i = 3; t && i < argc; i++)
        run_file(t, argv[i]);
    for (size_t i = 0; !t && i < COUNT(targets); i++)
        run_directory(&targets[i], argc > 1 ? argv[1] : "tests/corpus");
    printf("%d passed, %d failed, 0 skipped\n", tests_passed, tests_failed);
    return tests_failed > 0;
}

#endif
