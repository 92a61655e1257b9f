// SPDX-License-Identifier: 0BSD

package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"dindbind.example/command"
)

// show is what this program is called in a container, where it prints a file.
const show = "/show"

// The program is `dindbind` in PATH, or what `make` built at the top of the tree.
func TestMain(m *testing.M) {
	if os.Args[0] == show {
		text, err := os.ReadFile(os.Args[1])
		fmt.Print(string(text), err)
		os.Exit(0)
	}
	if top, err := filepath.Abs("../../.."); err == nil {
		os.Setenv("PATH", os.Getenv("PATH")+":"+top)
	}
	if _, err := exec.LookPath("dindbind"); err != nil {
		fmt.Fprintln(os.Stderr, "no dindbind in PATH, nor at the top of the tree: run make there")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func ExampleDindbind_Mounts() {
	dindbind := command.Dindbind{Program: "dindbind", Options: []string{"-b", "/data/work:/home/runner/_work"}}
	mounts, err := dindbind.Mounts(context.Background(), "/home/runner/_work:/__w:ro")
	var refused *command.Refused
	switch {
	case errors.As(err, &refused):
		fmt.Println(400, refused.Message)
	case err != nil:
		fmt.Println(500, err)
	default:
		text, _ := json.Marshal(mounts)
		fmt.Println(string(text))
	}
	// Output: [{"destination":"/__w","type":"bind","source":"/data/work","options":["rbind","ro"]}]
}

func TestMountsNone(t *testing.T) {
	mounts, err := command.Dindbind{Program: "dindbind"}.Mounts(context.Background())
	if mounts != nil || err != nil {
		t.Error(mounts, err)
	}
}

func TestMountsRefused(t *testing.T) {
	d := command.Dindbind{Program: "dindbind", Options: []string{"-b", "/d:/w", "-b", "/\xff:/bytes"}}
	for _, source := range []string{"/nope", "/bytes"} {
		mounts, err := d.Mounts(context.Background(), "/w:/1", source+":/2")
		var refused *command.Refused
		if mounts != nil || !errors.As(err, &refused) {
			t.Error(source, mounts, err)
		}
	}
}

func TestMountsOfNoRunner(t *testing.T) {
	d := command.Dindbind{Program: "dindbind", Options: []string{"-p", "4194305"}}
	_, err := d.Mounts(context.Background(), "/w:/1")
	var refused *command.Refused
	if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), "4194305") {
		t.Error(err)
	}
}

// needs skips a test without these programs and the rights of a machine's root.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	mapped, _ := os.ReadFile("/proc/self/uid_map")
	if fields := strings.Fields(string(mapped)); os.Geteuid() != 0 || len(fields) < 3 || fields[2] != "4294967295" {
		t.Skip("needs root, and its own user namespace")
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
}

// newRunner has a mount namespace, and in it a file on a tmpfs at `place`, which the host does not see. It lives until
// the test ends. Returned is its PID.
func newRunner(t *testing.T, place string) int {
	t.Helper()
	cmd := exec.Command("sh", "-c",
		`mount -t tmpfs runner "$1" && mkdir "$1/job" && echo 'of the runner' >"$1/job/file" && echo && read -r _`, "sh", place)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	cmd.Stderr = os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	ready, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		hold.Close()
		cmd.Wait()
	})
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		t.Fatal("the runner did not start")
	}
	return cmd.Process.Pid
}

// runcRun is a container with these mounts, which runs `args`. Returned is what it printed.
func runcRun(t *testing.T, mounts []command.Mount, args ...string) string {
	t.Helper()
	bundle, state := t.TempDir(), t.TempDir()
	root := filepath.Join(bundle, "rootfs")
	if err := os.Mkdir(root, 0755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, show), program, 0755); err != nil {
		t.Fatal(err)
	}
	spec := exec.Command("runc", "spec")
	spec.Dir = bundle
	if out, err := spec.CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}

	name := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprint("dindbind-go-", os.Getpid())
	process := config["process"].(map[string]any)
	process["terminal"] = false
	process["args"] = args
	delete(process, "rlimits") // raising them takes a right that a container's root may lack
	config["linux"].(map[string]any)["cgroupsPath"] = "/" + id
	all := config["mounts"].([]any)
	for _, m := range mounts {
		all = append(all, m)
	}
	config["mounts"] = all
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Command("runc", "--root", state, "delete", "--force", id).Run() })
	out, err := exec.Command("runc", "--root", state, "run", "--bundle", bundle, id).CombinedOutput()
	if err != nil {
		t.Fatal(err, string(out))
	}
	return string(out)
}

// mounted says whether this process has a mount at `path` or below.
func mounted(t *testing.T, path string) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(table), " "+path)
}

func TestMountsByRunc(t *testing.T) {
	needs(t, "runc", "mount")
	ctx, place := context.Background(), t.TempDir()
	d := command.Dindbind{
		Program: "dindbind",
		Options: []string{"-p", strconv.Itoa(newRunner(t, place))},
		Engine:  os.Getpid(), // runc sees the mounts of this process
		Stage:   filepath.Join(t.TempDir(), "stage"),
	}
	t.Cleanup(func() { d.Unstage(ctx, d.Stage) })
	mounts, err := d.Mounts(ctx, place+"/job:/__w", place+"/job/file:/__f:ro")
	if err != nil {
		t.Fatal(err)
	}
	want := []command.Mount{
		{Destination: "/__w", Type: "bind", Source: d.Stage + "/0", Options: []string{"rbind", "rw"}},
		{Destination: "/__f", Type: "bind", Source: d.Stage + "/1", Options: []string{"rbind", "ro"}},
	}
	if !reflect.DeepEqual(mounts, want) {
		t.Error(mounts)
	}
	for _, file := range []string{"/__w/file", "/__f"} {
		if out := runcRun(t, mounts, show, file); out != "of the runner\n<nil>" {
			t.Errorf("%s in the container: %q", file, out)
		}
	}

	if err := d.Unstage(ctx, mounts[0].Source); err != nil || mounted(t, mounts[0].Source) || !mounted(t, mounts[1].Source) {
		t.Error("one entry is not taken down, or more:", err)
	}
	if err := d.Unstage(ctx, d.Stage); err != nil || mounted(t, d.Stage) {
		t.Error("the stage is still mounted:", err)
	}
	if _, err := os.Lstat(d.Stage); !errors.Is(err, os.ErrNotExist) {
		t.Error("its directory is still there:", err)
	}
}

// What was staged for an answer that cannot be given does not stay.
func TestMountsOfBytesStaged(t *testing.T) {
	needs(t, "mount")
	ctx, place := context.Background(), t.TempDir()
	d := command.Dindbind{
		Program: "dindbind",
		Options: []string{"-p", strconv.Itoa(newRunner(t, place))},
		Stage:   filepath.Join(t.TempDir(), "stage"),
	}
	t.Cleanup(func() { d.Unstage(ctx, d.Stage) })
	mounts, err := d.Mounts(ctx, place+"/job:/\xff")
	var refused *command.Refused
	if mounts != nil || !errors.As(err, &refused) {
		t.Error(mounts, err)
	}
	if mounted(t, d.Stage+"/0") {
		t.Error("it is still mounted")
	}
}
