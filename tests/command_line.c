/* command_line.c - options, --mount keys and messages, each as a command and its answer
 *
 * SPDX-License-Identifier: 0BSD
 *
 * White-box: dindbind.c is included, and its applet runs in a child, through dindbind_main(). Needs no privileges
 * and makes no mounts: a directory, rows and layers in it. tests/cover.sh tells what is still missing. The last
 * line on standard output counts what passed, failed and was skipped.
 *
 * The strings of the table are templates in the little language of world.h.
 */
#define _GNU_SOURCE
#define DINDBIND_NO_MAIN
#include "../dindbind.c"
#include "cases.h"

#define W "-b @/w:/w "
#define EIGHT "-o lowerdir=@/l:@/l:@/l:@/l:@/l:@/l:@/l:@/m "
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char long_line[40000];   /* of standard input */

/* A command, its standard input, its status, all of standard output, and a part of standard error. */
static const struct corner {
    const char *name, *args, *in;
    int status;
    const char *out, *told;
} corners[] = {
    { "the root as a row", "-b /:/host -H /host@/w", NULL, 0, "@/w\n", "" },
    { "a name longer than any", "-o lowerdir=@/l -R /" A64 A64 A64 A64, NULL, 1, "", "" },
    { "more layers than a message names", EIGHT "-R /nope", NULL, 1, "", " and 2 more" },
    { "redirects are off", "-o lowerdir=@/l:@/m,redirect_dir=off -R /f", NULL, 0, "@/l/f\n", "" },
    { "redirects are followed", "-o lowerdir=@/l:@/m,redirect_dir=follow -R /f", NULL, 0, "@/l/f\n", "" },
    { "a mistyped option", "--pdi 1 /w", NULL, 2, "", "--pdi: no such option; see dindbind -h\n" },
    { "a missing value", "/w -p", NULL, 2, "", "-p: needs a value; see dindbind -h\n" },
    { "a missing value of a long one", "--pid", NULL, 2, "", "--pid: needs a value; see dindbind -h\n" },
    { "a path for a PID", "-p /w", NULL, 2, "", "-p /w: no decimal PID[:START]\n" },
    { "a forgotten -p", "/w", NULL, 2, "", "no runner given: its PID (-p), " },
    { "a PID without -p", "12 /w", NULL, 2, "", "no runner given: its PID (-p), " },
    { "nothing but a runner", W, NULL, 2, "", "nothing to translate: give a PATH" },
    { "a PID that is nobody's", "-p 2147483646 /w", NULL, 3, "", "take the runner's task PID anew\n" },
    { "a path that is one letter off", W "/w/a/x", NULL, 1, "", "@/w/a/x: ENOENT; check it as the runner sees it; /w is there\n" },
    { "one off in a layer", "-o lowerdir=@/l:@/m -R /o", NULL, 1, "", "/o: not there: in the layers @/l, @/m; check it as the runner sees it\n" },
    { "-x: what a report needs", "-x -b @/nothing:/n " W "/w /n", NULL, 0, "@/w\n@/nothing\n", "dindbind: version " },
    { "-x: the runner", "-x -b @/nothing:/n " W "/w", NULL, 0, "@/w\n", ", bind rows 2\n" },
    { "-x: the rule", "-x " W "/w", NULL, 0, "@/w\n", "dindbind: /w: rule bind: the row at /w\n" },
    { "-x: the answer", "-x " W "/w", NULL, 0, "@/w\n", "dindbind: /w: answer: @/w\n" },
    { "-x: layers", "-x -o lowerdir=@/l:@/m -R /f", NULL, 0, "@/l/f\n", "dindbind: /f: answer, read-only: @/l/f\n" },
    { "-x: a refusal", "-x " W "/w /w/no", NULL, 1, "", "dindbind: /w/no: rule bind: the row at /w\n" },
    { "no environment at all", W "/w", NULL, 0, "@/w\n", NULL },
    { "two places", "-s @/a -s @/b " W "/w", NULL, 2, "", "given twice" },
    { "an option that takes no value", "--help=x", NULL, 2, "", "takes no value" },
    { "a volume's name as json", W "-f json -v name:/t", NULL, 0, "{`source`:`name`,`target`:`/t`,`rule`:`none`}\n", NULL },
    { "a recursion that oci cannot write", W "-f oci --mount type=bind,source=/w,target=/t,bind-recursive=writable", NULL,
        1, "", "bind-recursive" },
    { "a recursion that is docker's", W "--mount type=bind,source=/w,target=/t,bind-recursive=disabled", NULL, 0,
        "type=bind,source=@/w,target=/t,bind-recursive=disabled\n", "" },
    { "a mode with an escape", W "-c", "{`HostConfig`:{`Binds`:[`/w:/t:r\\u006f`]}}", 0,
        "{`HostConfig`:{`Binds`:[`@/w:/t:r\\u006f`]}}", "" },
    { "a key of a mount twice", "-r - /w", "[{`Id`:`x`,`State`:{`Pid`:0},`Mounts`:[{`Source`:`/a`,`Source`:`/b`}]}]", 2, "",
        "twice" },
    { "an option of a mount that is no text", "-r - /w/x", "[{`Id`:`x`,`State`:{`Pid`:0},`Mounts`:[{`Type`:`bind`,`Source`:`/a`,"
        "`Destination`:`/w`,`Options`:[5]}]}]", 1, "", "/w" },
    { "a key of an inspection twice", "-r - /w", "[{`Id`:`x`,`State`:{`Pid`:0},`State`:{`Pid`:1},`Mounts`:[]}]", 2, "", "twice" },
    { "a key of the layers twice", "-r - /w", "[{`Id`:`x`,`State`:{`Pid`:0},`Mounts`:[],`GraphDriver`:{`Name`:`overlay2`,"
        "`Data`:{`LowerDir`:`/a`,`LowerDir`:`/b`}}}]", 2, "", "twice" },
    { "a key of a volume's options twice", "-r - /w", "[{`Id`:`x`,`State`:{`Pid`:0},`Mounts`:[],`HostConfig`:{`Mounts`:["
        "{`Target`:`/a`,`Target`:`/b`}]}}]", 2, "", "twice" },
    { "a key of a state twice", "-r - /w", "{`ociVersion`:`1`,`id`:`x`,`pid`:0,`pid`:1,`status`:`stopped`}", 2, "", "twice" },
    { "a key of a config twice", "-r - /w", "{`ociVersion`:`1`,`root`:{`path`:`/`},`mounts`:[],`mounts`:[]}", 2, "", "twice" },
    { "a key of a config's mount twice", "-r - /w", "{`ociVersion`:`1`,`root`:{`path`:`/`},`mounts`:[{`source`:`/a`,"
        "`source`:`/b`,`destination`:`/w`,`type`:`bind`}]}", 2, "", "twice" },
    { "a quoted option of an overlay", "-o lowerdir=@/l:@/m,context=`a,b` -R /f", NULL, 0, "@/l/f\n", NULL },
    { "a read-only overlay", "-o ro,lowerdir=@/l,upperdir=@/m -R /g", NULL, 0, "@/m/g\n", "" },
    { "-u with something else", "-u @/nothing -x", NULL, 2, "", "-u" },
    { "-H and -s", "-H -s @/a " W "/w", NULL, 2, "", "-H -s" },
    { "a flag that is neither", W "--mount type=bind,source=/w,target=/t,readonly=maybe", NULL, 2, "", "neither" },
    /* --mount: types and keys are those that are known, each with its types */
    { "podman's glob", W "--mount type=glob,source=etc,target=/t", NULL, 2, "", "the type must be bind, volume, " },
    { "podman's devpts", W "--mount type=devpts,target=/t", NULL, 2, "", "the type must be" },
    { "podman's ramfs", W "--mount type=ramfs,target=/t", NULL, 2, "", "the type must be" },
    { "an empty type", W "--mount type=,source=v,target=/t", NULL, 2, "", "the type must be" },
    { "no type is a volume, as docker has it", W "--mount source=v,target=/t", NULL, 0, "source=v,target=/t\n", "" },
    { "no type and a path", W "--mount source=/w,target=/t", NULL, 2, "", "only a mount of type bind" },
    { "the last type counts", W "--mount type=volume,type=bind,source=/w,target=/t", NULL, 0,
        "type=volume,type=bind,source=@/w,target=/t\n", "" },
    { "a key that is none, of a volume", W "--mount /etc:/x,type=volume,target=/y", NULL, 2, "", "no such key: /etc:/x" },
    { "a key that is none, of a tmpfs", W "--mount type=tmpfs,target=/y,size=1", NULL, 2, "", "no such key: size" },
    { "an empty key", W "--mount type=tmpfs,target=/y,", NULL, 2, "", "an empty field" },
    { "a blank before a key", W "--mount type=tmpfs,`\ttarget=/y`", NULL, 2, "", "no such key: " },
    { "a key of volumes for a bind", W "--mount type=bind,source=/w,target=/t,volume-nocopy", NULL, 2, "",
        "a key of another type of mount: volume-nocopy" },
    { "a key of volumes before the type", W "--mount volume-label=a=b,type=tmpfs,target=/t", NULL, 2, "",
        "a key of another type of mount: volume-label" },
    { "a key of binds for a volume", W "--mount type=volume,target=/t,bind-propagation=rslave", NULL, 2, "",
        "a key of another type of mount: bind-propagation" },
    { "a key of tmpfs for an image", W "--mount type=image,source=i,target=/t,tmpfs-size=1", NULL, 2, "",
        "a key of another type of mount: tmpfs-size" },
    { "a key without its value", W "--mount type=volume,target=/t,volume-label", NULL, 2, "",
        "a key without a value: volume-label" },
    { "a key with a value that it has not", W "--mount type=tmpfs,target=/t,tmpcopyup=1", NULL, 2, "",
        "a key that has no value: tmpcopyup" },
    { "all of a volume's", W "--mount source=v,dst=/t,readonly,volume-nocopy=true,volume-label=a=b,volume-driver=local,"
        "volume-subpath=s,consistency=cached", NULL, 0, "source=v,dst=/t,readonly,volume-nocopy=true,volume-label=a=b,"
        "volume-driver=local,volume-subpath=s,consistency=cached\n", "" },
    { "all of a tmpfs's", W "--mount type=tmpfs,dest=/t,tmpfs-size=1m,tmpfs-mode=1777,notmpcopyup,noexec,nosuid,U", NULL,
        0, "type=tmpfs,dest=/t,tmpfs-size=1m,tmpfs-mode=1777,notmpcopyup,noexec,nosuid,U\n", "" },
    { "all of an image's", W "--mount type=image,source=i:1,target=/t,image-subpath=bin,rw=true", NULL, 0,
        "type=image,source=i:1,target=/t,image-subpath=bin,rw=true\n", "" },
    { "a cluster volume", W "--mount type=cluster,source=group:g,target=/t", NULL, 0,
        "type=cluster,source=group:g,target=/t\n", "" },
    { "podman's of a bind", W "--mount type=bind,src=/w,dst=/t,relabel=shared,U=true,idmap,rslave,nodev", NULL, 0,
        "type=bind,src=@/w,dst=/t,relabel=shared,U=true,idmap,rslave,nodev\n", "" },
    { "podman's words in oci", W "-f oci --mount type=bind,src=/w,dst=/t,rslave,nodev", NULL, 0, "[{`destination`:`/t`,"
        "`type`:`bind`,`source`:`@/w`,`options`:[`rbind`,`rw`,`rslave`,`nodev`]}]\n", "" },
    { "a small u is not podman's", W "--mount type=bind,src=/w,dst=/t,u", NULL, 2, "", "no such key: u" },
    { "a label that is none", W "--mount type=bind,src=/w,dst=/t,relabel=mine", NULL, 2, "", "shared or private" },
    { "a label twice", W "--mount type=bind,src=/w,dst=/t,relabel=shared,Z", NULL, 2, "", "two keys of one kind" },
    { "a word of a kind twice", W "--mount type=bind,src=/w,dst=/t,exec,noexec", NULL, 2, "", "two keys of one kind" },
    { "a recursion that is none", W "--mount type=bind,src=/w,dst=/t,bind-recursive=true", NULL, 2, "",
        "must be enabled, disabled, writable or readonly" },
    { "links are followed", W "--mount type=bind,src=/w,dst=/t,no-dereference", NULL, 2, "", "no-dereference" },
    { "a propagation in capitals, as docker takes it", W "--mount type=bind,src=/w,dst=/t,bind-propagation=RSlave", NULL,
        0, "type=bind,src=@/w,dst=/t,bind-propagation=RSlave\n", "" },
    /* podman takes `readonly=1` for nothing at all */
    { "read-only in a spelling that podman does not know", W "--mount type=bind,src=/w,dst=/t,readonly=1", NULL, 0,
        "type=bind,src=@/w,dst=/t,readonly\n", "" },
    { "not writable in such a one", W "--mount type=bind,src=/w,dst=/t,rw=0", NULL, 0,
        "type=bind,src=@/w,dst=/t,readonly\n", "" },
    { "read-only in one that both know", W "--mount type=bind,src=/w,dst=/t,ro=TRUE", NULL, 0,
        "type=bind,src=@/w,dst=/t,ro=TRUE\n", "" },
    { "writable, read-only after all", "-R " W "--mount type=bind,src=/w,dst=/t,readonly=0", NULL, 0,
        "type=bind,src=@/w,dst=/t,readonly\n", "" },
    /* --mount: options of a volume's driver */
#define V W "--mount dst=/t,volume-opt="
    { "o=bind, whatever the type", V "type=tmpfs,volume-opt=device=/w,volume-opt=o=bind", NULL, 0,
        "dst=/t,volume-opt=type=tmpfs,volume-opt=device=@/w,volume-opt=o=bind\n", "" },
    { "o=bind without a device", V "o=bind", NULL, 2, "", "has no device" },
    { "o=bind and what is not known", V "o=bind,volume-opt=o=ro,volume-opt=device=/w", NULL, 2, "", "one option twice" },
    { "o=bind with a value", V "o=bind=1,volume-opt=type=tmpfs,volume-opt=device=/w", NULL, 2, "", "are not known" },
    { "an overlay", V "type=overlay,volume-opt=o=lowerdir+=etc,volume-opt=device=overlay", NULL, 2, "", "o=bind" },
    { "a disk", V "type=ext4,volume-opt=device=/dev/sda1", NULL, 2, "", "o=bind" },
    { "a device alone", V "device=/w", NULL, 2, "", "o=bind" },
    { "a tmpfs", V "type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m", NULL, 0,
        "dst=/t,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m\n", "" },
    { "nfs", V "type=nfs,volume-opt=device=:/w,volume-opt=o=addr=1.2.3.4", NULL, 0,
        "dst=/t,volume-opt=type=nfs,volume-opt=device=:/w,volume-opt=o=addr=1.2.3.4\n", "" },
    { "cifs", V "type=cifs,volume-opt=device=//h/w,volume-opt=o=username=u", NULL, 0,
        "dst=/t,volume-opt=type=cifs,volume-opt=device=//h/w,volume-opt=o=username=u\n", "" },
    { "an option that it does not have", V "mountpoint=/etc", NULL, 2, "", "volume-opt: " },
    { "an option without a value", V "o", NULL, 2, "", "volume-opt: " },
    { "another driver", V "type=tmpfs,volume-driver=local-persist", NULL, 2, "", "another driver" },
    { "another driver, no options", W "--mount src=v,dst=/t,volume-driver=nfs", NULL, 0,
        "src=v,dst=/t,volume-driver=nfs\n", "" },
#undef V
    /* a stage is private: before anything is looked at */
    { "shared, staged", W "-s @/st -v /w:/t:shared", NULL, 1, "", "/w: cannot be written in this format; a stage is private" },
    { "rslave, staged, a key", W "-s @/st --mount type=bind,src=/w,dst=/t,bind-propagation=rslave", NULL, 1, "",
        "take the host path (-H)" },
    { "rshared, staged, a volume", W "-s @/st --mount dst=/t,volume-opt=device=/w,`volume-opt=o=rbind,rshared`", NULL, 1,
        "", "take the host path (-H)" },
    /* one dash and a long name */
    { "-mount", "-m " W "-mount type=bind,source=/w,target=/t /w/new", NULL, 2, "", "-mount: did you mean --mount?\n" },
    { "-mount=", W "-mount=type=bind,source=/w,target=/t", NULL, 2, "", "did you mean --mount?\n" },
    { "-pid", "-pid 42 /w", NULL, 2, "", "-pid: did you mean --pid?\n" },
    { "-volume", W "-volume /w:/t", NULL, 2, "", "did you mean --volume?\n" },
    { "-stage", W "-stage @/st /w", NULL, 2, "", "did you mean --stage?\n" },
    { "-read-only", W "-read-only /w", NULL, 2, "", "did you mean --read-only?\n" },
    { "-help", "-help", NULL, 2, "", "did you mean --help?\n" },
    { "-mkdir, among others", W "-xmkdir /w", NULL, 2, "", "no such option" },
    { "a value joined to its letter", "-b@/w:/w -v/w:/t", NULL, 0, "@/w:/t\n", "" },
    { "a value after an equals sign", "-b=@/w:/w -v=/w:/t", NULL, 0, "@/w:/t\n", "" },
    { "a PID joined to its letter", "-p2147483646 /w", NULL, 3, "", "take the runner's task PID anew\n" },
    { "letters together, a value at the end", "-RHb@/w:/w /w", NULL, 0, "@/w\n", "" },
    { "a file whose name is one", "-r unner /w", NULL, 3, "", "unner" },
    /* -m creates nothing where nothing will be answered */
    { "-m, and a relative path", "-m " W "/w/new1 w", NULL, 1, "", "w: not an absolute path" },
    { "nothing was made for it", W "/w/new1", NULL, 1, "", "/w/new1: not there" },
    { "-m, and what oci cannot say", "-m -f oci " W "-v /w/new2:/a -v /w:/b:z", NULL, 1, "", "/w: cannot be written" },
    { "nothing was made for that", W "/w/new2", NULL, 1, "", "/w/new2: not there" },
    { "-m, one that is doomed and one that is missing", "-m " W "-v /w/new3:/a --mount type=bind,src=/w/no,dst=/b -v w/w:/c",
        NULL, 1, "", "/w/no: not there" },
    { "-m, and a target with a line break", "-m " W "-v /w/new5:/a -v /w:/b\nc", NULL, 1, "", "a line break in it" },
    { "nothing was made for that target", W "/w/new5", NULL, 1, "", "/w/new5: not there" },
    { "-m, and a source with a line break", "-m " W "/w/new6\n", NULL, 1, "", "a line break in it" },
    { "nothing was made for that source", "-0 " W "/w/new6\n", NULL, 1, "", "not there" },
    { "-m, a line break that json can write", "-m -f json " W "/w/new7\n", NULL, 0, "{`source`:`/w/new7\\n`,`rule`:`bind`,"
        "`kind`:`single`,`path`:`@/w/new7\\n`,`type`:`directory`,`ro`:false}\n", "" },
    { "-m, line by line", "-m -f json " W "/w/new4 w", NULL, 1, "{`source`:`/w/new4`,`rule`:`bind`,`kind`:`single`,"
        "`path`:`@/w/new4`,`type`:`directory`,`ro`:false}\n{`source`:`w`,`error`:`relative`,`message`:`w: not an absolute "
        "path; give it from / on`}\n", "" },
    /* each message names what was given and what to do */
    { "-ro for -R", "-ro /w", NULL, 3, "", "-r o: ENOENT: the description of the runner cannot be read; give a file" },
    { "-Host", W "-Host /w", NULL, 2, "", "-Host: did you mean --host?\n" },
    { "-Read-Only", W "-Read-Only /w", NULL, 2, "", "did you mean --read-only?\n" },
    { "an empty --volume", W "--volume=", NULL, 2, "", "--volume : an empty spec: give SOURCE:TARGET[:MODES]\n" },
    { "an empty -v", W "-v=", NULL, 2, "", "-v : an empty spec: give SOURCE:TARGET[:MODES]\n" },
    { "an empty --mount", W "--mount=", NULL, 2, "", "--mount : an empty spec: give type=bind,source=PATH,target=PATH\n" },
    { "an empty source", W "--mount type=bind,src=,target=/y", NULL, 2, "",
      "dindbind: --mount type=bind,src=,target=/y: a bind mount with an empty source" },
    { "a DIR that is no stage", "-s @/w " W "/w", NULL, 1, "", "dindbind: @/w: " },
    { "a DIR that is relative", "-s w " W "/w", NULL, 2, "", "dindbind: -s w: not an absolute path\n" },
    { "a PID in two places", "-p 2 -r @/pid /w", NULL, 2, "",
        "dindbind: @/pid: the PID is given twice: in it, and by -p; leave one of them out\n" },
    { "an overlay in two places", "-r @/overlay -r @/overlay /w", NULL, 2, "",
        "dindbind: @/overlay: the overlay's options are given twice: in it, and by @/overlay; leave" },
    { "a NUL within a line", W "-", "/w\1x\n/w\n", 1, "\n@/w\n", "dindbind: /w: a NUL byte within the line, which no path has" },
    { "a line that is too long", W "-", long_line, 1, "\n", "aaa: the start of a line that is longer than any path" },
    { "a source that is no bind's", W "--mount type=tmpfs,source=/w,target=/t", NULL, 2, "", "only a mount of type bind" },
};

static void slurp(int fd, char *buf, size_t size)
{
    ssize_t n = pread(fd, buf, size - 1, 0);
    buf[n < 0 ? 0 : n] = 0;
    close(fd);
}

static void check(void **state)
{
    const struct corner *c = *state;
    char *argv[32], *save = NULL, out[8192], err[8192];
    int argc = 0, status = 0, fd[3];
    argv[argc++] = "dindbind";
    for (char *w = strtok_r(expand(c->args), " ", &save); w && argc < 31; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    argv[argc] = NULL;
    for (int i = 0; i < 3; i++)
        fd[i] = memfd_create("std", MFD_CLOEXEC);
    size_t len = strlen(long_line);
    const char *in = c->in == long_line ? long_line : expand_n(c->in ? c->in : "", &len);
    assert_int_equal(pwrite(fd[0], in, len, 0), len);
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        for (int i = 0; i < 3; i++)
            dup2(fd[i], i);
        if (!strcmp(c->name, "no environment at all"))
            clearenv();         /* environ is NULL then */
        _exit(dindbind_main(argc, argv));
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    close(fd[0]);
    slurp(fd[1], out, sizeof out);
    slurp(fd[2], err, sizeof err);
    if (geteuid() && strstr(err, "trusted.* attributes decide")) {
        skip_case("only root can read trusted.* attributes");
    }
    if (WEXITSTATUS(status) != c->status || strcmp(out, expand(c->out)) || (c->told && !strstr(err, expand(c->told))))
        print_error("status %d, wanted %d\n%s-- wanted\n%s-- standard error\n%s", WEXITSTATUS(status), c->status, out,
                    expand(c->out), err);
    assert_int_equal(WEXITSTATUS(status), c->status);
    assert_string_equal(out, expand(c->out));
    assert_true(!c->told || strstr(err, expand(c->told)));
}

/* What the row of a root in mountinfo says to the upperdir that an engine told: 1: it is that one; 0: that cannot be
 * told; or an error. Of a root that FUSE serves the kernel shows no upperdir: the container's id has to be proven. */
static const struct shown {
    const char *name, *told, *type, *super;
    int rc;
    const char *merged;         /* of the caller's own root, as its engine names it */
} roots[] = {
    { "the overlay that was told", "lowerdir=/l,upperdir=/d/x/diff", "overlay", "rw,lowerdir=/l,upperdir=/d/x/diff", 1, NULL },
    { "a relative upperdir that ends like it", "lowerdir=/l,upperdir=/d/x/diff", "overlay", "rw,lowerdir=l,upperdir=x/diff", 1, NULL },
    { "another container's overlay", "lowerdir=/l,upperdir=/d/x/diff", "overlay", "rw,lowerdir=/l,upperdir=/d/y/diff",
      DINDBIND_E_REUSED, NULL },
    { "an overlay with no upperdir", "lowerdir=/l,upperdir=/d/x/diff", "overlay", "ro,lowerdir=/l:/m", DINDBIND_E_REUSED, NULL },
    { "no overlay at all", "lowerdir=/l,upperdir=/d/x/diff", "ext4", "rw", DINDBIND_E_REUSED, NULL },
    { "a FUSE root", "lowerdir=/l,upperdir=/d/x/diff", "fuse.fuse-overlayfs", "rw,user_id=0,group_id=0", 0, NULL },
    { "an upperdir told by nobody", NULL, "overlay", "rw,lowerdir=/l,upperdir=/d/x/diff", 0, NULL },
    { "our own root", NULL, "overlay", "rw,lowerdir=/l,upperdir=/d/x/diff", 1, "/d/x/merged" },
    { "an overlay of Ubuntu's kernel", "lowerdir=/l,upperdir=/d/x/diff", "overlay",
      "rw,lowerdir=/l,upperdir=/d/x/diff,workdir=/d/x/work,nouserxattr", 1, NULL },
    { "words that nobody knows yet", "lowerdir=/l,upperdir=/d/x/diff", "overlay",
      "rw,casefold,lowerdir=/l,permit_mounts_in_userns,xino=perhaps,upperdir=/d/x/diff,redirect_dir=new,new=1", 1, NULL },
    { "words that nobody knows yet, another container's", "lowerdir=/l,upperdir=/d/x/diff", "overlay",
      "rw,lowerdir=/l,upperdir=/d/y/diff,workdir=/d/x/work,casefold", DINDBIND_E_REUSED, NULL },
    { "our own root, on Ubuntu's kernel", NULL, "overlay", "rw,lowerdir=/l,upperdir=/d/x/diff,nouserxattr", 1, "/d/x/merged" },
    { "another container's root, on Ubuntu's kernel", NULL, "overlay", "rw,lowerdir=/l,upperdir=/d/x/diff,nouserxattr",
      DINDBIND_E_REUSED, "/d/y/merged" },
    { "two upperdirs", "lowerdir=/l,upperdir=/d/x/diff", "overlay", "rw,lowerdir=/l,upperdir=/d/x/diff,upperdir=/d/x/diff",
      DINDBIND_E_REUSED, NULL },
    { "an upperdir that can be read in two ways", "lowerdir=/l,upperdir=/d/x/diff", "overlay",
      "rw,lowerdir=/l,upperdir=/d/x\\134/diff", DINDBIND_E_REUSED, NULL },
    { "a security context with an upperdir in it", "lowerdir=/l,upperdir=/d/x/diff", "overlay",
      "rw,context=\"u:r:c1,upperdir=/d/x/diff\",lowerdir=/l,upperdir=/d/y/diff", DINDBIND_E_REUSED, NULL },
    { "another container's root", NULL, "overlay", "rw,lowerdir=/l,upperdir=/d/x/diff", DINDBIND_E_REUSED, "/d/y/merged" },
};

static void check_root(void **state)
{
    const struct shown *c = *state;
    char detail[256], type[32], super[128];
    snprintf(type, sizeof type, "%s", c->type);
    snprintf(super, sizeof super, "%s", c->super);
    struct dindbind_runner r = { .pid = !c->merged, .self = !!c->merged, .overlay = c->told, .merged = c->merged };
    const struct mount_row row = { .type = type, .super = super };
    struct text why = text_new(detail, sizeof detail);
    bool proven = false;
    int rc = upperdir_check(&r, &row, &proven, &why);
    assert_int_equal(rc ? rc : proven, c->rc);
    const char *wrong = c->merged ? " is not /d/y/merged" : " is not the overlay with the upperdir /d/x/diff";
    assert_int_equal(c->rc == DINDBIND_E_REUSED, !!strstr(detail, wrong));
}

int main(void)
{
    int bad = 0;
    strcpy(world.dir, "/tmp/command_line-XXXXXX");
    struct CMUnitTest tests[COUNT(corners) + COUNT(roots)];
    static const char *const dirs[] = { "w", "l", "m" };
    if (!mkdtemp(world.dir))
        return 1;
    unsetenv("DINDBIND_RUNNER");
    for (size_t i = 0; i < COUNT(dirs); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", world.dir, dirs[i]);
        bad |= mkdir(path, 0755);
        snprintf(path, sizeof path, "%s/%s/%s", world.dir, dirs[i], i == 2 ? "g" : "f");
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    }
    static const char *const files[][2] = { { "pid", "pid 1\n" }, { "overlay", "overlay lowerdir=/l\n" } };
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", world.dir, files[i][0]);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        bad |= write(fd, files[i][1], strlen(files[i][1])) < 0;
        close(fd);
    }
    memset(long_line, 'a', sizeof long_line - 1);
    for (size_t i = 0; i < COUNT(corners); i++)
        tests[i] = (struct CMUnitTest){ corners[i].name, check, NULL, NULL, (void *)(uintptr_t)&corners[i] };
    for (size_t i = 0; i < COUNT(roots); i++)
        tests[COUNT(corners) + i] = (struct CMUnitTest){ roots[i].name, check_root, NULL, NULL, (void *)(uintptr_t)&roots[i] };
    bad = bad ? (int)COUNT(tests) : cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < COUNT(dirs); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s/%s", world.dir, dirs[i], i == 2 ? "g" : "f");
        unlink(path);
        *strrchr(path, '/') = 0;
        rmdir(path);
    }
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", world.dir, files[i][0]);
        unlink(path);
    }
    rmdir(world.dir);
    printf("%d passed, %d failed, %d skipped\n", (int)COUNT(tests) - bad - tests_skipped, bad, tests_skipped);
    return bad != 0;
}
