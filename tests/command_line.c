/* command_line.c - options, --mount keys and messages, each as a command and its answer
 *
 * SPDX-License-Identifier: 0BSD
 *
 * White-box: dindbind.c is included, and its applet runs in a child, through dindbind_main(). Needs no privileges
 * and makes no mounts: a directory, rows and layers in it. The last line on standard output counts what passed,
 * failed and was skipped.
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

#define L16 L4 L4 L4 L4
#define L4 ",volume-label=a=b,volume-label=a=b,volume-label=a=b,volume-label=a=b"

static char long_line[40000];   /* of standard input */

/* A command and what comes of it. A row without `out` and `status` is refused with status 2. */
static const struct command {
    const char *name, *args;
    const char *said;           /* a part of standard error; NULL: not looked at */
    const char *out;            /* all of standard output; NULL: there is none */
    int status;
    const char *in;             /* standard input */
} commands[] = {
    { "the root as a row", "-b /:/host -H /host@/w", .out = "@/w\n" },
    { "a name longer than any", "-o lowerdir=@/l -R /" A64 A64 A64 A64, .status = 1 },
    { "more layers than a message names", EIGHT "-R /nope", .said = " and 2 more", .status = 1 },
    { "redirects are off", "-o lowerdir=@/l:@/m,redirect_dir=off -R /f", .out = "@/l/f\n" },
    { "redirects are followed", "-o lowerdir=@/l:@/m,redirect_dir=follow -R /f", .out = "@/l/f\n" },
    { "a mistyped option", "--pdi 1 /w", .said = "--pdi: no such option; see dindbind -h\n" },
    { "a missing value", "/w -p", .said = "-p: needs a value; see dindbind -h\n" },
    { "a missing value of a long one", "--pid", .said = "--pid: needs a value; see dindbind -h\n" },
    { "a path for a PID", "-p /w",
      .said = "-p /w: not a decimal PID[:START], as docker inspect -f '{{.State.Pid}}' NAME prints it\n" },
    { "a forgotten -p", "/w", .said = "no runner given: its PID (-p), " },
    { "a PID without -p", "12 /w", .said = "no runner given: its PID (-p), " },
    { "nothing but a runner", W, .said = "nothing to translate: give a PATH" },
    { "a PID that is nobody's", "-p 2147483646 /w", .said = "look up the runner's PID again\n", .status = 3 },
    { "an engine that is nobody's", "-E 2147483646 " W "/w", .said = "/proc/2147483646", .status = 3 },
    { "an engine of 0", "-E 0 " W "/w", .said = "-E 0: 0 is no process\n" },
    { "an engine that is no number", "-E /w " W "/w", .said = "-E /w: not a decimal PID[:START]" },
    { "two engines", "-E 1 -E 2 " W "/w", .said = "-E 2: given twice" },
    { "an engine, and from inside", "-S -E 1 /w", .said = "-S -E: the daemon outside cannot be seen" },
    { "an engine alone", "-E $OWN /w", .said = "no runner given: its PID (-p), " },
    { "an engine that started at another time", "-E $OWN:1 " W "/w", .said = ", and was given as started at 1; ", .status = 3 },
    { "an engine in the same mounts", "-E $OWN " W "-H /w/f", .out = "@/w/f\n" },
    { "an engine in the same mounts, -b and a spec", "--engine $OWN " W "-v /w:/t", .out = "@/w:/t\n" },
    { "an engine that is the runner", "-E $OWN -p $OWN -v /w:/t", .said = "this is a process of the host itself", .status = 1 },
    { "a stage of an engine that is nobody's", "-E 2147483646 -u @/w/nothing",
      .said = "the engine is gone; no process sees a stage there any more\n", .out = "" },
    { "-u with an engine and a PATH", "-E $OWN -u @/w/nothing /w", .said = "-u: goes alone, " },
    { "a volume of one letter", W "-v b:/x", .out = "b:/x\n" },
    { "white space at the end of a --mount", "-b @/w%c2%a0:/n --mount type=bind,dst=/x,src=/n", .said = "white space",
      .status = 1 },
    { "the PID of a stopped container", "-p 0 /w", .said = "(-p; a stopped container has 0)", .status = 1 },
    { "a link to nowhere", W "/w/dangling/x", .said = "; /w is there; /w/dangling is a link to nowhere\n", .status =
      1 },
    { "a link to nowhere, of -v", W "-v /w/dangling:/x", .said = "; /w/dangling is a link to nowhere\n", .status = 1 },
    { "a missing directory of -v", W "-v /w/no:/x",
      .said = "; /w is there; -m creates a missing directory, as docker does\n", .status = 1 },
    { "a missing directory of --mount", W "--mount type=bind,src=/w/no,dst=/x", .said = "; /w is there\n", .status =
      1 },
    { "a missing directory of a row that is missing", "-b @/nothing:/n /n/a/b",
      .said = "check it as the runner sees it\n", .status = 1 },
    { "-x: a volume", "-x " W "-v name:/t", .out = "name:/t\n",
      .said = "dindbind: name: answer: unchanged, because it names no path of the runner's\n" },
    { "-x: nothing to translate", "-x " W "-v /t", .out = "/t\n",
      .said = "dindbind: /t: answer: unchanged, because it names no path of the runner's\n" },
    { "-S on a file system of one's own", "-S /proc", .said = "only this container has", .status = 1 },
    { "a path that is one letter off", W "/w/a/x",
      .said = "@/w/a/x: ENOENT; check it as the runner sees it; /w is there\n", .status = 1 },
    { "one off in a layer", "-o lowerdir=@/l:@/m -R /o",
      .said = "/o: not there: in the layers @/l, @/m; check it as the runner sees it\n", .status = 1 },
    { "-x: what a report needs", "-x -b @/nothing:/n " W "/w /n", .said = "dindbind: version ",
      .out = "@/w\n@/nothing\n" },
    { "-x: the runner", "-x -b @/nothing:/n " W "/w", .said = ", bind rows 2\n", .out = "@/w\n" },
    { "-x: the rule", "-x " W "/w", .said = "dindbind: /w: rule bind: the row at /w\n", .out = "@/w\n" },
    { "-x: the answer", "-x " W "/w", .said = "dindbind: /w: answer: @/w\n", .out = "@/w\n" },
    { "-x: layers", "-x -o lowerdir=@/l:@/m -R /f", .said = "dindbind: /f: answer, read-only: @/l/f\n",
      .out = "@/l/f\n" },
    { "-x: a refusal", "-x " W "/w /w/no", .said = "dindbind: /w/no: rule bind: the row at /w\n", .status = 1 },
    { "no environment at all", W "/w", .out = "@/w\n" },
    { "two places", "-s @/a -s @/b " W "/w", .said = "given twice" },
    { "an option that takes no value", "--help=x", .said = "takes no value" },
    { "a volume's name as json", W "-f json -v name:/t", .out = "{`source`:`name`,`target`:`/t`,`rule`:`none`}\n" },
    { "a recursion that oci cannot write", W "-f oci --mount type=bind,source=/w,target=/t,bind-recursive=writable",
      .said = "bind-recursive", .status = 1 },
    { "a recursion that is docker's", W "--mount type=bind,source=/w,target=/t,bind-recursive=disabled",
      .out = "type=bind,source=@/w,target=/t,bind-recursive=disabled\n" },
    { "a mode with an escape", W "-c", .out = "{`HostConfig`:{`Binds`:[`@/w:/t:r\\u006f`]}}",
      .in = "{`HostConfig`:{`Binds`:[`/w:/t:r\\u006f`]}}" },
    { "a key of a mount twice", "-r - /w", .said = "twice",
      .in = "[{`Id`:`x`,`State`:{`Pid`:0},`Mounts`:[{`Source`:`/a`,`Source`:`/b`}]}]" },
    { "an option of a mount that is no text", "-r - /w/x", .said = "/w", .status = 1,
      .in = "[{`Id`:`x`,`State`:{`Pid`:0},`Mounts`:[{`Type`:`bind`,`Source`:`/a`,"
      "`Destination`:`/w`,`Options`:[5]}]}]" },
    { "a key of an inspection twice", "-r - /w", .said = "twice",
      .in = "[{`Id`:`x`,`State`:{`Pid`:0},`State`:{`Pid`:1},`Mounts`:[]}]" },
    { "a key of the layers twice", "-r - /w", .said = "twice",
      .in = "[{`Id`:`x`,`State`:{`Pid`:0},`Mounts`:[],`GraphDriver`:{`Name`:`overlay2`,"
      "`Data`:{`LowerDir`:`/a`,`LowerDir`:`/b`}}}]" },
    { "a key of a volume's options twice", "-r - /w", .said = "twice",
      .in = "[{`Id`:`x`,`State`:{`Pid`:0},`Mounts`:[],`HostConfig`:{`Mounts`:[" "{`Target`:`/a`,`Target`:`/b`}]}}]" },
    { "a key of a state twice", "-r - /w", .said = "twice",
      .in = "{`ociVersion`:`1`,`id`:`x`,`pid`:0,`pid`:1,`status`:`stopped`}" },
    { "a key of a config twice", "-r - /w", .said = "twice",
      .in = "{`ociVersion`:`1`,`root`:{`path`:`/`},`mounts`:[],`mounts`:[]}" },
    { "a key of a config's mount twice", "-r - /w", .said = "twice",
      .in = "{`ociVersion`:`1`,`root`:{`path`:`/`},`mounts`:[{`source`:`/a`,"
      "`source`:`/b`,`destination`:`/w`,`type`:`bind`}]}" },
    { "a quoted option of an overlay", "-o lowerdir=@/l:@/m,context=`a,b` -R /f", .out = "@/l/f\n" },
    { "a read-only overlay", "-o ro,lowerdir=@/l,upperdir=@/m -R /g", .out = "@/m/g\n" },
    { "-u with something else", "-u @/nothing -x", .said = "-u" },
    { "-H and -s", "-H -s @/a " W "/w", .said = "-H -s" },
    { "a flag that is neither", W "--mount type=bind,source=/w,target=/t,readonly=maybe", .said = "neither" },
    /* --mount: types and keys are those that are known, each with its types */
    { "podman's glob", W "--mount type=glob,source=etc,target=/t", .said = "the type must be bind, volume, " },
    { "podman's devpts", W "--mount type=devpts,target=/t", .said = "the type must be" },
    { "podman's ramfs", W "--mount type=ramfs,target=/t", .said = "the type must be" },
    { "an empty type", W "--mount type=,source=v,target=/t", .said = "the type must be" },
    { "no type is a volume, as docker has it", W "--mount source=v,target=/t", .out = "source=v,target=/t\n" },
    { "no type and a path", W "--mount source=/w,target=/t", .said = "a path as the source needs type=bind" },
    { "the last type counts", W "--mount type=volume,type=bind,source=/w,target=/t",
      .out = "type=volume,type=bind,source=@/w,target=/t\n" },
    { "a key that is none, of a volume", W "--mount /etc:/x,type=volume,target=/y", .said = "no such key: /etc:/x" },
    { "a key that is none, of a tmpfs", W "--mount type=tmpfs,target=/y,size=1", .said = "no such key: size" },
    { "an empty key", W "--mount type=tmpfs,target=/y,", .said = "an empty field" },
    { "a quote and something after it", W "--mount type=bind,`source=/w`x,target=/t", .said = "quote" },
    { "more fields than anybody has", W "--mount type=bind,src=/w,dst=/t" L16 L16 L16 L16, .said = "too many fields" },
    { "a blank before a key", W "--mount type=tmpfs,`\ttarget=/y`", .said = "no such key: " },
    { "a key of volumes for a bind", W "--mount type=bind,source=/w,target=/t,volume-nocopy",
      .said = "a key of another type of mount: volume-nocopy" },
    { "a key of volumes before the type", W "--mount volume-label=a=b,type=tmpfs,target=/t",
      .said = "a key of another type of mount: volume-label" },
    { "a key of binds for a volume", W "--mount type=volume,target=/t,bind-propagation=rslave",
      .said = "a key of another type of mount: bind-propagation" },
    { "a key of tmpfs for an image", W "--mount type=image,source=i,target=/t,tmpfs-size=1",
      .said = "a key of another type of mount: tmpfs-size" },
    { "a key without its value", W "--mount type=volume,target=/t,volume-label",
      .said = "a key without a value: volume-label" },
    { "a key with a value that it has not", W "--mount type=tmpfs,target=/t,tmpcopyup=1",
      .said = "a key that has no value: tmpcopyup" },
    { "all of a volume's", W
      "--mount source=v,dst=/t,readonly,volume-nocopy=true,volume-label=a=b,volume-driver=local,"
      "volume-subpath=s,consistency=cached", .out = "source=v,dst=/t,readonly,volume-nocopy=true,volume-label=a=b,"
      "volume-driver=local,volume-subpath=s,consistency=cached\n" },
    { "all of a tmpfs's", W "--mount type=tmpfs,dest=/t,tmpfs-size=1m,tmpfs-mode=1777,notmpcopyup,noexec,nosuid,U",
      .out = "type=tmpfs,dest=/t,tmpfs-size=1m,tmpfs-mode=1777,notmpcopyup,noexec,nosuid,U\n" },
    { "all of an image's", W "--mount type=image,source=i:1,target=/t,image-subpath=bin,rw=true",
      .out = "type=image,source=i:1,target=/t,image-subpath=bin,rw=true\n" },
    { "a cluster volume", W "--mount type=cluster,source=group:g,target=/t",
      .out = "type=cluster,source=group:g,target=/t\n" },
    { "podman's of a bind", W "--mount type=bind,src=/w,dst=/t,relabel=shared,U=true,idmap,rslave,nodev",
      .out = "type=bind,src=@/w,dst=/t,relabel=shared,U=true,idmap,rslave,nodev\n" },
    { "podman's words in oci", W "-f oci --mount type=bind,src=/w,dst=/t,rslave,nodev",
      .out = "[{`destination`:`/t`," "`type`:`bind`,`source`:`@/w`,`options`:[`rbind`,`rw`,`rslave`,`nodev`]}]\n" },
    { "a small u is not podman's", W "--mount type=bind,src=/w,dst=/t,u", .said = "no such key: u" },
    { "a label that is none", W "--mount type=bind,src=/w,dst=/t,relabel=mine", .said = "shared or private" },
    { "a label twice", W "--mount type=bind,src=/w,dst=/t,relabel=shared,Z", .said = "two keys of one kind" },
    { "a word of a kind twice", W "--mount type=bind,src=/w,dst=/t,exec,noexec", .said = "two keys of one kind" },
    { "a recursion that is none", W "--mount type=bind,src=/w,dst=/t,bind-recursive=true",
      .said = "must be enabled, disabled, writable or readonly" },
    { "links are followed", W "--mount type=bind,src=/w,dst=/t,no-dereference", .said = "no-dereference" },
    { "a propagation in capitals, as docker takes it", W "--mount type=bind,src=/w,dst=/t,bind-propagation=RSlave",
      .out = "type=bind,src=@/w,dst=/t,bind-propagation=RSlave\n" },
    /* podman takes `readonly=1` for nothing at all */
    { "read-only in a spelling that podman does not know", W "--mount type=bind,src=/w,dst=/t,readonly=1",
      .out = "type=bind,src=@/w,dst=/t,readonly\n" },
    { "not writable in such a one", W "--mount type=bind,src=/w,dst=/t,rw=0",
      .out = "type=bind,src=@/w,dst=/t,readonly\n" },
    { "read-only in one that both know", W "--mount type=bind,src=/w,dst=/t,ro=TRUE",
      .out = "type=bind,src=@/w,dst=/t,ro=TRUE\n" },
    { "writable, read-only after all", "-R " W "--mount type=bind,src=/w,dst=/t,readonly=0",
      .out = "type=bind,src=@/w,dst=/t,readonly\n" },
    /* --mount: options of a volume's driver */
#define V W "--mount dst=/t,volume-opt="
    { "o=bind, whatever the type", V "type=tmpfs,volume-opt=device=/w,volume-opt=o=bind",
      .out = "dst=/t,volume-opt=type=tmpfs,volume-opt=device=@/w,volume-opt=o=bind\n" },
    { "a size, which is no place", V "type=tmpfs,volume-opt=device=tmpfs,volume-opt=size=1m",
      .out = "dst=/t,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=size=1m\n" },
    { "an option of mount(8)'s own", V "type=nfs,volume-opt=device=:/w,volume-opt=o=x-mount.mkdir",
      .said = "volume-opt" },
    { "o=bind without a device", V "o=bind", .said = "has no device" },
    { "o=bind and what is not known", V "o=bind,volume-opt=o=ro,volume-opt=device=/w", .said = "one option twice" },
    { "o=bind with a value", V "o=bind=1,volume-opt=type=tmpfs,volume-opt=device=/w", .said = "are not known" },
    { "an overlay", V "type=overlay,volume-opt=o=lowerdir+=etc,volume-opt=device=overlay", .said = "o=bind" },
    { "a disk", V "type=ext4,volume-opt=device=/dev/sda1", .said = "o=bind" },
    { "a device alone", V "device=/w", .said = "o=bind" },
    { "a tmpfs", V "type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m",
      .out = "dst=/t,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m\n" },
    { "nfs", V "type=nfs,volume-opt=device=:/w,volume-opt=o=addr=1.2.3.4",
      .out = "dst=/t,volume-opt=type=nfs,volume-opt=device=:/w,volume-opt=o=addr=1.2.3.4\n" },
    { "cifs", V "type=cifs,volume-opt=device=//h/w,volume-opt=o=username=u",
      .out = "dst=/t,volume-opt=type=cifs,volume-opt=device=//h/w,volume-opt=o=username=u\n" },
    { "an option that it does not have", V "mountpoint=/etc", .said = "the local driver has " },
    { "an option without a value", V "o", .said = "the local driver has " },
    { "another driver", V "type=tmpfs,volume-driver=local-persist", .said = "another driver" },
    { "another driver, no options", W "--mount src=v,dst=/t,volume-driver=nfs",
      .out = "src=v,dst=/t,volume-driver=nfs\n" },
#undef V
    /* a stage is private: before anything is looked at */
    { "shared, staged", W "-s @/st -v /w:/t:shared",
      .said = "/w: cannot be written in this format; a stage is private", .status = 1 },
    { "rslave, staged, a key", W "-s @/st --mount type=bind,src=/w,dst=/t,bind-propagation=rslave",
      .said = "take the host path (-H)", .status = 1 },
    { "rshared, staged, a volume", W "-s @/st --mount dst=/t,volume-opt=device=/w,`volume-opt=o=rbind,rshared`",
      .said = "take the host path (-H)", .status = 1 },
    /* one dash and a long name */
    { "-mount", "-m " W "-mount type=bind,source=/w,target=/t /w/new", .said = "-mount: did you mean --mount?\n" },
    { "-mount=", W "-mount=type=bind,source=/w,target=/t", .said = "did you mean --mount?\n" },
    { "-pid", "-pid 42 /w", .said = "-pid: did you mean --pid?\n" },
    { "-volume", W "-volume /w:/t", .said = "did you mean --volume?\n" },
    { "-stage", W "-stage @/st /w", .said = "did you mean --stage?\n" },
    { "-read-only", W "-read-only /w", .said = "did you mean --read-only?\n" },
    { "-help", "-help", .said = "did you mean --help?\n" },
    { "-mkdir, among others", W "-xmkdir /w", .said = "no such option" },
    { "a value joined to its letter", "-b@/w:/w -v/w:/t", .out = "@/w:/t\n" },
    { "a value after an equals sign", "-b=@/w:/w -v=/w:/t", .out = "@/w:/t\n" },
    { "a PID joined to its letter", "-p2147483646 /w", .said = "look up the runner's PID again\n", .status = 3 },
    { "letters together, a value at the end", "-RHb@/w:/w /w", .out = "@/w\n" },
    { "a file whose name is one", "-r unner /w", .said = "unner", .status = 3 },
    /* -m creates nothing where nothing will be answered */
    { "-m, and a relative path", "-m " W "/w/new1 w", .said = "w: not an absolute path", .status = 1 },
    { "nothing was made for it", W "/w/new1", .said = "/w/new1: not there", .status = 1 },
    { "-m, and what oci cannot say", "-m -f oci " W "-v /w/new2:/a -v /w:/b:z", .said = "/w: cannot be written",
      .status = 1 },
    { "nothing was made for that", W "/w/new2", .said = "/w/new2: not there", .status = 1 },
    { "-m, one that is doomed and one that is missing", "-m " W
      "-v /w/new3:/a --mount type=bind,src=/w/no,dst=/b -v w/w:/c", .said = "/w/no: not there", .status = 1 },
    { "-m, and a target with a line break", "-m " W "-v /w/new5:/a -v /w:/b\nc", .said = "a line break in it",
      .status = 1 },
    { "nothing was made for that target", W "/w/new5", .said = "/w/new5: not there", .status = 1 },
    { "-m, and a source with a line break", "-m " W "/w/new6\n", .said = "a line break in it", .status = 1 },
    { "nothing was made for that source", "-0 " W "/w/new6\n", .said = "not there", .status = 1 },
    { "-m, a line break that json can write", "-m -f json " W "/w/new7\n",
      .out = "{`source`:`/w/new7\\n`,`rule`:`bind`,"
      "`kind`:`single`,`path`:`@/w/new7\\n`,`type`:`directory`,`ro`:false}\n" },
    { "-m, line by line", "-m -f json " W "/w/new4 w", .out = "{`source`:`/w/new4`,`rule`:`bind`,`kind`:`single`,"
      "`path`:`@/w/new4`,`type`:`directory`,`ro`:false}\n{`source`:`w`,`error`:`relative`,"
      "`message`:`w: not an absolute "
      "path; give it from / on`}\n", .status = 1 },
    /* each message names what was given and what to do */
    { "-ro for -R", "-ro /w", .said = "-r o: ENOENT: the description of the runner cannot be read; give a file",
      .status = 3 },
    { "-Host", W "-Host /w", .said = "-Host: did you mean --host?\n" },
    { "-Read-Only", W "-Read-Only /w", .said = "did you mean --read-only?\n" },
    { "an empty --volume", W "--volume=", .said = "--volume : an empty spec: give SOURCE:TARGET[:MODES]\n" },
    { "an empty -v", W "-v=", .said = "-v : an empty spec: give SOURCE:TARGET[:MODES]\n" },
    { "an empty --mount", W "--mount=", .said = "--mount : an empty spec: give type=bind,source=PATH,target=PATH\n" },
    { "an empty source", W "--mount type=bind,src=,target=/y",
      .said = "dindbind: --mount type=bind,src=,target=/y: a bind mount with an empty source" },
    { "a DIR that is no stage", "-s @/w " W "/w", .said = "dindbind: @/w: ", .status = 1 },
    { "a DIR that is relative", "-s w " W "/w", .said = "dindbind: -s w: not an absolute path\n" },
    { "a PID in two places", "-p 2 -r @/pid /w",
      .said = "dindbind: @/pid: the PID is given twice: in it, and by -p; leave one of them out\n" },
    { "an overlay in two places", "-r @/overlay -r @/overlay /w",
      .said = "dindbind: @/overlay: the overlay's options are given twice: in it, and by @/overlay; leave" },
    { "a NUL within a line", W "-", .said = "dindbind: /w: a NUL byte within the line, which no path has",
      .out = "\n@/w\n", .status = 1, .in = "/w%00x\n/w\n" },
    { "a line that is too long", W "-", .said = "aaa: the start of a line that is longer than any path", .out = "\n",
      .status = 1, .in = long_line },
    { "a source that is no bind's", W "--mount type=tmpfs,source=/w,target=/t", .said = "a path as the source needs type=bind" },
};

static char **applet_arguments;
static bool without_environment;

/* In a child, in place of a tool. */
static bool be_applet(void)
{
    int n = 0;
    while (applet_arguments[n])
        n++;
    if (without_environment)
        clearenv();             /* environ is NULL then */
    fflush(NULL);
    _exit(dindbind_main(n, applet_arguments));
}

static void check(void **state)
{
    const struct command *c = *state;
    size_t n;
    const char *in = expand_n(c->in ? c->in : "", &n);
    int fd = input_of(in, n);
    applet_arguments = arguments(c->args);
    without_environment = !strcmp(c->name, "no environment at all");
    struct ran r = end_tool(start_tool(applet_arguments, fd, -1, be_applet));
    close(fd);
    if (geteuid() && strstr(r.err, "trusted.* attributes decide"))
        skip_case("only root can read trusted.* attributes");
    expect_ran(expand(c->args), r, c->status || c->out ? c->status : 2, c->out ? c->out : "", c->said ? c->said : "");
}

/* What the row of a root in mountinfo means for the upperdir that an engine named: 1: it is that one; 0: nobody can
 * say; or an error. Of a root that FUSE serves the kernel shows no upperdir: the container's id has to be proven. */
#define TOLD "lowerdir=/l,upperdir=/d/x/diff"

static const struct shown {
    const char *name, *told, *type, *super;
    int rc;
    const char *merged;         /* of the caller's own root, as its engine names it */
} roots[] = {
    { "the overlay that was told", TOLD, "overlay", "rw," TOLD, 1, NULL },
    { "a relative upperdir that ends like it", TOLD, "overlay", "rw,lowerdir=l,upperdir=x/diff", 1, NULL },
    { "another container's overlay", TOLD, "overlay", "rw,lowerdir=/l,upperdir=/d/y/diff",
      DINDBIND_E_REUSED, NULL },
    { "an overlay with no upperdir", TOLD, "overlay", "ro,lowerdir=/l:/m", DINDBIND_E_REUSED, NULL },
    { "no overlay at all", TOLD, "ext4", "rw", DINDBIND_E_REUSED, NULL },
    { "a FUSE root", TOLD, "fuse.fuse-overlayfs", "rw,user_id=0,group_id=0", 0, NULL },
    { "an upperdir told by nobody", NULL, "overlay", "rw," TOLD, 0, NULL },
    { "our own root", NULL, "overlay", "rw," TOLD, 1, "/d/x/merged" },
    { "an overlay of Ubuntu's kernel", TOLD, "overlay",
      "rw," TOLD ",workdir=/d/x/work,nouserxattr", 1, NULL },
    { "words that nobody knows yet", TOLD, "overlay",
      "rw,casefold,lowerdir=/l,permit_mounts_in_userns,xino=perhaps,upperdir=/d/x/diff,redirect_dir=new,new=1", 1,
      NULL },
    { "words that nobody knows yet, another container's", TOLD, "overlay",
      "rw,lowerdir=/l,upperdir=/d/y/diff,workdir=/d/x/work,casefold", DINDBIND_E_REUSED, NULL },
    { "our own root, on Ubuntu's kernel", NULL, "overlay", "rw," TOLD ",nouserxattr", 1, "/d/x/merged" },
    { "another container's root, on Ubuntu's kernel", NULL, "overlay", "rw," TOLD ",nouserxattr",
      DINDBIND_E_REUSED, "/d/y/merged" },
    { "two upperdirs", TOLD, "overlay", "rw," TOLD ",upperdir=/d/x/diff",
      DINDBIND_E_REUSED, NULL },
    { "an upperdir that can be read in two ways", TOLD, "overlay",
      "rw,lowerdir=/l,upperdir=/d/x\\134/diff", DINDBIND_E_REUSED, NULL },
    { "a security context with an upperdir in it", TOLD, "overlay",
      "rw,context=\"u:r:c1,upperdir=/d/x/diff\",lowerdir=/l,upperdir=/d/y/diff", DINDBIND_E_REUSED, NULL },
    { "another container's root", NULL, "overlay", "rw," TOLD, DINDBIND_E_REUSED, "/d/y/merged" },
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

static int begin(void **state)
{
    (void)state;
    pooled = 0;
    return 0;
}

static int run_all(char **words)
{
    (void)words;
    strcpy(world.dir, world.base);
    unsetenv("DINDBIND_RUNNER");
    memset(long_line, 'a', sizeof long_line - 1);
    grow(world.dir, "file w/f;file l/f;file m/g;link w/dangling nowhere;file pid pid%201%0a;"
        "file overlay overlay%20lowerdir=/l%0a");
    for (size_t i = 0; i < COUNT(commands); i++)
        run_case(commands[i].name, check, begin, NULL, &commands[i]);
    for (size_t i = 0; i < COUNT(roots); i++)
        run_case(roots[i].name, check_root, begin, NULL, &roots[i]);
    printf("%d passed, %d failed, %d skipped\n", tests_passed, tests_failed, tests_skipped);
    return tests_failed != 0;
}

int main(void)
{
    return run_in_child("command_line", world.base, run_all, NULL);
}
