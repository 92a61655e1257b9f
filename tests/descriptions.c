/* descriptions.c - what engines print of their containers, held against what these containers see
 *
 * SPDX-License-Identifier: 0BSD
 *
 * White-box: dindbind.c is included. Needs no privileges and makes no mounts. tests/data/engines has what docker 28 and
 * 29 and podman 5.8 printed (NAME.json: the members of inspect's output that matter) and what the runners saw
 * (NAME.mountinfo) and the host (NAME.host.mountinfo: without the rows below /proc, /sys and /dev). Each description is
 * held against each mountinfo: its own container's has to be believed, and every other one refused. desktop/ was written
 * by hand after public samples, of Docker Desktop's two virtual machines and of Ubuntu's and LinuxKit's kernels, which
 * cannot be had in a test. The last line on standard output counts what passed, failed and was skipped.
 */
#define _GNU_SOURCE
#define DINDBIND_NO_MAIN
#include "../dindbind.c"
#include "cases.h"

static const char here[] = __FILE__;

/* tests/data/engines/NAME: its bytes, and a NUL. */
static char *slurp_data(const char *name)
{
    char *path = textf("%.*sdata/engines/%s", (int)(strrchr(here, '/') + 1 - here), here, name), *text;
    if (read_whole(open_path(path, O_RDONLY | O_CLOEXEC), MAX_FILE, &text) < 0)
        flunk("%s: %s", path, strerror(errno));
    char *kept = textf("%s", text);
    free(text);
    return kept;
}

/* ---- What was printed, and what was seen ----------------------------------------------------------------- */

/* Whose mounts they are. A container that joined another one's network does not have its own id there. */
static const struct seen {
    const char *name, *id;
} seens[] = {
    { "desktop/mac", "348a629f5cee" },
    { "desktop/windows", "340d60039281" },
    { "docker28/d28-ctrd-own", "eaa625196a10" },
    { "docker28/d28-ctrd-sys", "58828b4b13a7" },
    { "docker28/d28-overlay2", "302bfa044f3d" },
    { "docker28/d28-rb", "bfd1d81716d4" },
    { "docker28/d28-userns", "8273e7bab7d4" },
    { "docker28/d28-vfs", "b79cd3b41b8a" },
    { "docker28/image-mounts", "f858e119f6e3" },
    { "docker29/d29-default-sys", "347f4d980739" },
    { "docker29/d29-dind", "d8a0ce295e49" },
    { "docker29/d29-joined", "af023e22cffb" },
    { "docker29/d29-own", "4b71b1a339de" },
    { "docker29/d29-own-many", "1cd9acc81182" },
    { "podman58/p58-composefs", "74f7c2339361" },
    { "podman58/p58-composefs2", "bf34ca91e268" },
    { "podman58/p58-fuse-crun", "8ab126b3bf55" },
    { "podman58/p58-overlay-crun", "9532c6329da9" },
    { "podman58/p58-rootless-fuse", "7efe944c7041" },
    { "podman58/p58-rootless-ov", "bcbcb325f7c7" },
    { "podman58/p58-rootless-overlay", "5564cb224021" },
    { "podman58/p58-vfs-runc", "354ec4b069bf" },
    { "podman58/pauto", "db2f82e46617" },
    { "podman58/ptall", "c2622659e8ce" },
};

static const char *const printed[] = {
    "desktop/mac", "desktop/windows", "docker28/d28-ctrd-own", "docker28/d28-ctrd-sys", "docker28/d28-ctrd-sys.dead", "docker28/d28-overlay2",
    "docker28/d28-rb", "docker28/d28-userns", "docker28/d28-userns.dead", "docker28/d28-vfs", "docker28/image-mounts",
    "docker28/image-mounts.dead", "docker29/d29-api-1.51", "docker29/d29-api-1.52", "docker29/d29-api-1.53",
    "docker29/d29-api-1.54", "docker29/d29-dead", "docker29/d29-default-sys", "docker29/d29-default-sys.dead",
    "docker29/d29-dind", "docker29/d29-joined", "docker29/d29-own", "docker29/joiner-reuse", "podman58/art",
    "podman58/cfs.dead", "podman58/cfs.live", "podman58/p58-composefs", "podman58/p58-composefs.dead",
    "podman58/p58-composefs2", "podman58/p58-composefs2.dead", "podman58/p58-fuse-crun", "podman58/p58-fuse-crun.dead",
    "podman58/p58-overlay-crun", "podman58/p58-overlay-crun.dead", "podman58/p58-rootless-fuse",
    "podman58/p58-rootless-ov", "podman58/p58-rootless-overlay", "podman58/p58-rootless-overlay.dead",
    "podman58/p58-vfs-runc", "podman58/p58-vfs-runc.dead", "podman58/pauto", "podman58/pauto.dead",
    "podman58/pstub.dead", "podman58/pstub.live", "podman58/ptall",
};

/* A description as -r reads it, for the one who is in the runner or for a task that lives. */
struct described {
    struct dindbind_runner runner;
    struct view view;
    struct arena arena;
};

static void read_described(struct described *d, const char *text, bool self)
{
    char why[512];
    struct text w = text_new(why, sizeof why);
    *d = (struct described){ .runner = { .self = self, .proc_fd = -1, .task_fd = -1 } };
    d->view = (struct view){ .runner = &d->runner, .arena = &d->arena };
    char *copy = strdup(text);
    const char *wrong = view_document(&d->view, "/runner.json", copy, strlen(copy), &w);
    free(copy);
    if (wrong)
        flunk("%s%s", why, wrong);
    d->runner.pid = !self;
    d->runner.binds = d->view.rows;
    d->runner.nbinds = d->view.nrows;
    /* places are looked up there, and nothing is there, so that they are what they are called */
    d->runner.root_fd = open_path("/proc/thread-self/fdinfo", OPEN_DIR);
    assert_true(d->runner.root_fd >= 0);
}

static void end_described(struct described *d)
{
    sys_close(d->runner.root_fd);
    arena_free(&d->arena);
}

/* 0: it is that one's. `why` gets what speaks against it. */
static int held_against(struct described *d, const char *mountinfo, char why[512])
{
    struct mount_table t = { .text = strdup(mountinfo), .len = strlen(mountinfo) };
    struct text w = text_new(why, 512);
    struct node root = { 0 };
    bool proven = false;
    assert_int_equal(table_parse(&t), 0);
    for (size_t i = 0; i < t.n; i++)
        if (!strcmp(t.v[i].point, "/"))
            root.mnt = t.v[i].id;
    int rc = root_row_check(&d->runner, &t, &root, &proven, &w);
    if (!rc)
        rc = rows_check(&d->runner, &t, proven, &w);
    table_free(&t);
    return rc;
}

/* One description and all mountinfos. */
static void check_description(void **state)
{
    const char *name = *state, *text = slurp_data(textf("%s.json", name));
    int own = 0, wrong = 0;
    for (int self = 0; self < 2; self++)
        for (size_t i = 0; i < COUNT(seens); i++) {
            char why[512] = "";
            struct described d;
            read_described(&d, text, self);
            bool same = !strncmp(d.runner.id, seens[i].id, strlen(seens[i].id));
            int rc = held_against(&d, slurp_data(textf("%s.mountinfo", seens[i].name)), why);
            if (rc != (same ? 0 : DINDBIND_E_REUSED)) {
                print_error("%s, %s, in the mounts of %s: %s%s\n", name, self ? "-S" : "-p", seens[i].name,
                            dindbind_word(rc), why);
                wrong++;
            }
            own += same;
            end_described(&d);
        }
    if (wrong)
        flunk("%d of %zu", wrong, 2 * COUNT(seens));
    print_message("    %d of its own believed, %zu of others refused\n", own, 2 * COUNT(seens) - (size_t)own);
}

/* Where the root is that docker does not report; podman reports it while it is mounted. */
static const struct merged {
    const char *name, *merged;
} roots[] = {
    { "docker28/d28-overlay2",
      "/var/lib/docker/overlay2/155ef280fb4f1cd0a451c6856c06351e9ce441dbcb7b3018f0a7e3f84b0f0b5e/merged" },
    { "docker28/d28-ctrd-own",
      "/var/lib/docker/rootfs/overlayfs/eaa625196a1088da4a17fce51840fc14c332ae2aac034cda35c72e03a8064e2a" },
    { "docker29/d29-api-1.52",
      "/var/lib/docker29b/rootfs/overlayfs/4b71b1a339de143715c9d874d158bcb8b411b47628e09c36e9dc4075ba2e1916" },
    { "docker29/d29-joined",
      "/var/lib/docker29b/rootfs/overlayfs/af023e22cffbdeda2e9610ddae595aa87e39112284b62b92c416ba304d5f7e2c" },
    { "podman58/p58-vfs-runc", "" },
};

static void check_merged(void **state)
{
    const struct merged *c = *state;
    for (int self = 0; self < 2; self++) {
        struct described d;
        read_described(&d, slurp_data(textf("%s.json", c->name)), self);
        assert_string_equal(d.runner.merged, c->merged);
        end_described(&d);
    }
}

/* The container whose cgroup it is, by what engines and kernels write into /proc/PID/cgroup. */
#define OUTER "af023e22cffbdeda2e9610ddae595aa87e39112284b62b92c416ba304d5f7e2c"
#define INNER "4b71b1a339de143715c9d874d158bcb8b411b47628e09c36e9dc4075ba2e1916"
static const struct cgroup {
    const char *name, *text, *id;
} cgroups[] = {
    { "cgroupfs", "0::/docker/" INNER "\n", INNER },
    { "systemd", "0::/system.slice/docker-" INNER ".scope\n", INNER },
    { "podman", "0::/libpod_parent/libpod-" INNER "/container\n", INNER },
    { "cgroup v1", "9:name=systemd:/docker/" INNER "\n8:pids:/docker/" INNER "\n1:cpu:/\n0::/\n", INNER },
    { "docker in docker", "0::/docker/" OUTER "/docker/" INNER "\n", INNER },
    { "a pod", "0::/libpod_parent/" OUTER "/libpod-" INNER, INNER },
    { "a namespace of its own", "9:name=systemd:/\n0::/\n", "" },
    { "no cgroup", "", "" },
    { "nobody's", "0::/user.slice/user-1000.slice/session-1.scope\n", "" },
    { "a digit too many", "0::/docker/" INNER "0\n", "" },
    { "a digit too few", "0::/process_api/1072979d8e46102a1f7478671b4edc27\n", "" },
};

static void check_cgroup(void **state)
{
    const struct cgroup *c = *state;
    char id[ID_LENGTH + 1];
    last_id(c->text, id);
    assert_string_equal(id, c->id);
}

/* ---- What is known of a dead runner ---------------------------------------------------------------------- */

/* One source of a stopped container, none of whose directories is here: what its description alone answers. */
static const struct dead {
    const char *name, *source;
    int rc;
    const char *told;           /* the answer, or a part of the message */
} deads[] = {
    { "docker28/d28-userns.dead", "/home/runner/_work", 0, "/var/lib/docker/300000.300000/volumes/vol/_data" },
    { "docker29/d29-dead", "/mnt/dir", 0, "/srv/host/dir" },
    { "docker29/d29-dead", "/usr", DINDBIND_E_UNMATCHED, "no rule covers it" },
    { "podman58/p58-rootless-overlay.dead", "/mnt/dir", 0, "/home/u/host/dir" },
    { "podman58/p58-rootless-overlay.dead", "/usr", DINDBIND_E_LAYERS, "OCIConfigPath" },
    { "podman58/pauto.dead", "/mnt/dir", 0, "/srv/host/dir" },
    { "podman58/pstub.dead", "/opt/s", DINDBIND_E_LAYERS, "OCIConfigPath" },
    { "podman58/pstub.dead", "/mnt/art", DINDBIND_E_LAYERS, "OCIConfigPath" },
    { "podman58/pstub.dead", "/tmp/x", DINDBIND_E_FOREIGN, "no path in this mount namespace" },
    { "podman58/art", "/etc/hostname", 0, "/run/pod8/overlay-containers/"
      "6886f4b74013cba3929053dd7b49345b7e0b49dad0db28416ce80fd8e5f84167/userdata/hostname" },
    { "podman58/cfs.dead", "/bin/sh", DINDBIND_E_LAYERS, "OCIConfigPath" },
    { "podman58/p58-composefs2.dead", "/home/runner/_work", 0, "/var/lib/pod5/volumes/vol/_data" },
};

static void check_dead(void **state)
{
    const struct dead *c = *state;
    struct described d;
    struct dindbind_result res;
    char message[1024];
    read_described(&d, slurp_data(textf("%s.json", c->name)), false);
    sys_close(d.runner.root_fd);
    d.runner.pid = 0;
    assert_int_equal(dindbind_open(&d.runner), 0);
    int rc = dindbind_resolve(&d.runner, c->source, 0, &res);
    dindbind_message(&d.runner, c->source, &res, rc, message, sizeof message);
    if (rc != c->rc || (rc ? !strstr(message, c->told) : strcmp(res.path, c->told) != 0))
        flunk("%s: %s: %s", c->source, res.path, message);
    dindbind_release(&res);
    dindbind_close(&d.runner);
    arena_free(&d.arena);
}

/* The options of a root as mountinfo showed them, for -o. */
static const struct given {
    const char *name, *why;
} givens[] = {
    { "podman58/ptall", "a layer is named by a descriptor of the process that mounted it; inspect has its name: "
      "3" },
    { "podman58/p58-composefs2", "composefs or fuse-overlayfs, and only a live runner shows its files: /var/lib/pod5/overlay/"
      "a574d59e5208fe6e21e0a7e1bd4182a84cbf7e5c788df557d40c31b3256cc464/composefs-layers/1" },
    { "docker29/d29-own-many", NULL },
    { "docker28/d28-overlay2", NULL },
};

static void check_given(void **state)
{
    const struct given *c = *state;
    char *text = slurp_data(textf("%s.mountinfo", c->name)), *overlay = NULL;
    struct mount_row row;
    while (*text && mount_parse(cut_word(&text, '\n'), &row))
        if (!strcmp(row.point, "/"))
            overlay = row.super;
    struct dindbind_runner r = { .overlay = overlay };
    int rc = dindbind_open(&r);
    if (c->why) {
        assert_int_equal(rc, DINDBIND_E_LAYERS);
        assert_string_equal(r.detail, c->why);
    } else
        assert_int_equal(rc, 0);
    dindbind_close(&r);
}

/* ---- Rows ------------------------------------------------------------------------------------------------ */

/* Another way to undo \ooo. */
static char *unescaped(const char *s)
{
    char *out = textf("%s", s), *to = out;
    unsigned byte;
    int n;
    for (; *s; s++) {
        n = 0;
        if (sscanf(s, "\\%3o%n", &byte, &n) == 1 && n == 4)
            s += 3;
        else
            byte = (unsigned char)*s;
        *to++ = (char)byte;
    }
    *to = 0;
    return out;
}

/* What scanf reads, the only reader has to read too. */
static void check_row(const char *line)
{
    char root[4096], point[4096], options[4096], type[64], source[4096], upper[DINDBIND_PATH_MAX];
    unsigned long long id, parent;
    unsigned major, minor;
    int optional = 0;
    struct mount_row row;
    char *copy = textf("%s", line), *dash = strstr(copy, " - "), *super = NULL;
    if (!dash || sscanf(line, "%llu %llu %u:%u %4095s %4095s %4095s%n", &id, &parent, &major, &minor, root, point,
                        options, &optional) != 7 || sscanf(dash + 3, "%63s %4095s %m[^\n]", type, source, &super) != 3)
        flunk("no row: %s", line);
    *dash = 0;
    bool shared = strstr(copy + optional, " shared:") || strstr(copy + optional, " master:");
    if (!mount_parse(textf("%s", line), &row))
        flunk("not read: %s", line);
    if (row.id != id || row.parent != parent || row.dev != ((uint64_t)major << 32 | minor) || row.shared != shared ||
        strcmp(row.root, unescaped(root)) || strcmp(row.point, unescaped(point)) || strcmp(row.options, options) ||
        strcmp(row.type, type) || strcmp(row.super, super))
        flunk("read otherwise: %s", line);
    const char *want = strcmp(type, "overlay") ? NULL : strstr(super, ",upperdir=");
    if (upperdir_shown(super, upper) != !!want)
        flunk("an upperdir, or none: %s", line);
    if (want) {
        want += strlen(",upperdir=");
        assert_string_equal(upper, unescaped(textf("%.*s", (int)strcspn(want, ","), want)));
    }
    free(super);
}

static void check_rows(void **state)
{
    const char *text = slurp_data(*state);
    size_t n = 0;
    for (; *text; n++) {
        size_t len = strcspn(text, "\n");
        check_row(textf("%.*s", (int)len, text));
        text += len + !!text[len];
    }
    print_message("    %zu rows\n", n);
    assert_true(n > 0);
}

/* ---- All of it ------------------------------------------------------------------------------------------- */

static const char *const dirs[] = { "desktop", "docker28", "docker29", "podman58" };

static bool has_end(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);
    return n > k && !strcmp(name + n - k, end);
}

/* For each file of tests/data/engines that ends so; their number. */
static size_t each_file(const char *end, void (*call)(const char *name))
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT(dirs); i++) {
        DIR *d = opendir(textf("%.*sdata/engines/%s", (int)(strrchr(here, '/') + 1 - here), here, dirs[i]));
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d)); ) {
            if (!has_end(e->d_name, end))
                continue;
            n++;
            if (call)
                call(textf("%s/%s", dirs[i], e->d_name));
        }
        closedir(d);
    }
    return n;
}

static void rows_of(const char *name)
{
    run_case(textf("rows: %s", name), check_rows, NULL, NULL, name);
}

/* No fixture is forgotten. */
static void all_there(void **state)
{
    (void)state;
    assert_int_equal(each_file(".json", NULL), COUNT(printed));
    assert_int_equal(each_file(".mountinfo", NULL), COUNT(seens) + each_file(".host.mountinfo", NULL));
}

int main(void)
{
    for (size_t i = 0; i < COUNT(printed); i++)
        run_case(printed[i], check_description, NULL, NULL, printed[i]);
    for (size_t i = 0; i < COUNT(roots); i++)
        run_case(textf("the root of %s", roots[i].name), check_merged, NULL, NULL, &roots[i]);
    for (size_t i = 0; i < COUNT(cgroups); i++)
        run_case(textf("cgroup: %s", cgroups[i].name), check_cgroup, NULL, NULL, &cgroups[i]);
    for (size_t i = 0; i < COUNT(deads); i++)
        run_case(textf("dead: %s %s", deads[i].name, deads[i].source), check_dead, NULL, NULL, &deads[i]);
    for (size_t i = 0; i < COUNT(givens); i++)
        run_case(textf("-o: %s", givens[i].name), check_given, NULL, NULL, &givens[i]);
    each_file(".mountinfo", rows_of);
    run_case("all of tests/data/engines", all_there, NULL, NULL, NULL);
    printf("%d passed, %d failed, %d skipped\n", tests_passed, tests_failed, tests_skipped);
    fflush(stdout);
    return tests_failed != 0;
}
