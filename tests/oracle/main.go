// oracle asks dindbind -c for the translation of bodies made at random, and encoding/json whether
// it is right.
//
// SPDX-License-Identifier: 0BSD
//
//	oracle -n 100000 [-seed N] [-only I] [-workers N] [-dindbind FILE]
//
// Body I of seed N is the same in every run: -seed N -only I shows it with its answer. The last
// line is `N passed, N failed, N skipped`, one for each promise.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

// Enough for the slowest machine: it is there for a tool that hangs.
const patience = time.Minute

type broken struct {
	body  []byte
	index int
	what  string
	count int
}

// tally is what all bodies together came to.
type tally struct {
	sync.Mutex
	bodies, accepted, bound                int
	binds, mounts, volumes, belows, madeRO int // bodies with one
	controls, unseen                       int
	broken                                 map[string]*broken
	refused                                map[string]int
}

// run is one call of the tool.
func (w *world) run(tool string, body []byte) (answer, error) {
	var a answer
	var out, errorText bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, tool, w.arguments()...)
	command.Env = []string{"PATH=/nonexistent"}
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(body), &out, &errorText
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, os.ErrClosed) {
		return a, err
	}
	a.status = command.ProcessState.ExitCode() // -1: a signal
	a.out, a.errors = out.Bytes(), errorText.Bytes()
	return a, nil
}

// bodyFor is body I of a seed.
func bodyFor(w *world, seed int64, index int) []byte {
	return newGenerator(w, seed*1_000_003+int64(index)).body()
}

var number = regexp.MustCompile(`[0-9]+`)

// reason is what a refusal says, without what it says it of.
func reason(errors []byte) string {
	line, _, _ := strings.Cut(string(errors), "\n")
	fields := strings.SplitN(strings.TrimPrefix(line, "dindbind: "), ": ", 3)
	why, _, _ := strings.Cut(fields[min(1, len(fields)-1)], ";")
	return number.ReplaceAllString(why, "N")
}

// look is one body: make it, have it answered, judge the answer, and see that a wrong one would
// not have passed.
func (t *tally) look(w *world, tool string, seed int64, index int) error {
	body := bodyFor(w, seed, index)
	a, err := w.run(tool, body)
	if err != nil {
		return err
	}
	v := w.judge(body, a)
	control, seen := w.control(body, a, v, index)
	t.Lock()
	defer t.Unlock()
	t.count(v, a)
	if control {
		t.controls++
		if !seen {
			t.unseen++
			fmt.Printf("not ok: body %d: an answer that was altered passes\n", index)
		}
	}
	for _, c := range v.complaints {
		b := t.broken[c.promise]
		if b == nil {
			b = &broken{body: body, index: index, what: c.what}
			t.broken[c.promise] = b
		}
		if b.count++; len(body) < len(b.body) {
			b.body, b.index, b.what = body, index, c.what
		}
	}
	return nil
}

func (t *tally) count(v verdict, a answer) {
	one := func(n int) int { return min(n, 1) }
	t.bodies++
	if a.status == 1 {
		t.refused[reason(a.errors)]++
	}
	if !v.accepted {
		return
	}
	t.accepted++
	t.bound += one(v.binds + v.mounts + v.volumes)
	t.binds += one(v.binds)
	t.mounts += one(v.mounts)
	t.volumes += one(v.volumes)
	t.belows += one(v.belows)
	t.madeRO += one(v.madeRO)
}

// control alters one byte of a translated source, or of a ReadOnly, in a right answer: that must
// be noticed.
func (w *world) control(body []byte, a answer, v verdict, index int) (made, seen bool) {
	if len(v.complaints) > 0 || len(v.edits) == 0 {
		return false, false
	}
	r := rand.New(rand.NewSource(int64(index)))
	e := v.edits[r.Intn(len(v.edits))]
	at := e.start + 1 + r.Intn(e.end-e.start-1)
	wrong := append([]byte(nil), a.out...)
	wrong[at] ^= 1
	return true, len(w.judge(body, answer{0, wrong, nil}).complaints) > 0
}

// shares are what a run must have had in it to mean anything.
func (t *tally) shares() (bad []string) {
	for _, s := range []struct {
		what     string
		n, least int // in a hundred bodies
	}{
		{"are translated", t.bound, 30}, {"have Binds that are", t.binds,
			15}, {"have Mounts that are", t.mounts, 10},
		{"have volumes that are", t.volumes, 2}, {"get a mount below", t.belows,
			5}, {"get ro", t.madeRO, 5},
		{"are refused", t.bodies - t.accepted,
			10}, {"are answered, altered, and judged again", t.controls, 25},
	} {
		share := 100 * float64(s.n) / float64(t.bodies)
		fmt.Printf("%6.2f %% of the bodies %s\n", share, s.what)
		if share < float64(s.least) {
			bad = append(bad, fmt.Sprintf("only %.2f %% of the bodies %s: too few", share, s.what))
		}
	}
	return bad
}

func (t *tally) showRefusals() {
	var words []string
	for why := range t.refused {
		words = append(words, why)
	}
	sort.Slice(words, func(i, j int) bool {
		a, b := t.refused[words[i]], t.refused[words[j]]
		return a > b || (a == b && words[i] < words[j])
	})
	for _, why := range words {
		fmt.Printf("%8d refused: %s\n", t.refused[why], why)
	}
}

// showBroken has the smallest body that was found, made smaller.
func (t *tally) showBroken(w *world, tool, promise string, seed int64) {
	b := t.broken[promise]
	still := func(body []byte) bool {
		a, err := w.run(tool, body)
		if err != nil {
			return false
		}
		for _, c := range w.judge(body, a).complaints {
			if c.promise == promise {
				b.what = c.what
				return true
			}
		}
		return false
	}
	small := minimise(b.body, still)
	a, _ := w.run(tool, small)
	fmt.Printf("not ok: %s: %d bodies\n"+
		"    the smallest is -seed %d -only %d; made smaller:\n    %q\n"+
		"    status %d: %q %q\n    %s\n",
		promise, b.count, seed, b.index, small, a.status, a.out, a.errors, b.what)
}

func (t *tally) work(w *world, tool string, seed int64, n, workers int) error {
	var group sync.WaitGroup
	var once sync.Once
	var failed error
	next := make(chan int)
	stop := make(chan struct{})
	for i := 0; i < workers; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for index := range next {
				if err := t.look(w, tool, seed, index); err != nil {
					once.Do(func() { failed = err; close(stop) })
					return
				}
			}
		}()
	}
loop:
	for index := 0; index < n; index++ {
		select {
		case next <- index:
		case <-stop:
			break loop
		}
	}
	close(next)
	group.Wait()
	return failed
}

func (t *tally) report(w *world, tool string, seed int64) (failed int) {
	passed, skipped := 0, 0
	t.showRefusals()
	bad := t.shares()
	for _, promise := range promises {
		if t.broken[promise] == nil {
			passed++
			continue
		}
		failed++
		t.showBroken(w, tool, promise, seed)
	}
	if t.bodies < 500 {
		fmt.Println("skipped: whether the bodies mean anything, of which there are too few to say")
		skipped++
	} else if len(bad) > 0 {
		fmt.Println("not ok: " + strings.Join(bad, "\nnot ok: "))
		failed++
	} else {
		passed++
	}
	if t.unseen > 0 {
		failed++
	} else {
		passed++
	}
	fmt.Printf("%d bodies, %d answered, %d with a source translated\n", t.bodies, t.accepted,
		t.bound)
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return failed
}

// showOne is for looking into a body that was named.
func showOne(w *world, tool string, seed int64, index int) error {
	body := bodyFor(w, seed, index)
	a, err := w.run(tool, body)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%q\nstatus %d\n%s\n%s", body, body, a.status, a.out, a.errors)
	complaints := w.judge(body, a).complaints
	for _, c := range complaints {
		fmt.Printf("not ok: %s: %s\n", c.promise, c.what)
	}
	wrong := min(1, len(complaints))
	fmt.Printf("%d passed, %d failed, 0 skipped\n", 1-wrong, wrong)
	return nil
}

func main() {
	n := flag.Int("n", 2000, "how many bodies")
	seed := flag.Int64("seed", time.Now().UnixNano()%1_000_000_000, "what they are made from")
	only := flag.Int("only", -1, "show this body and no other")
	workers := flag.Int("workers", runtime.NumCPU(), "at the same time")
	tool := flag.String("dindbind", os.Getenv("DINDBIND"), "the binary; default $DINDBIND")
	flag.Parse()
	fmt.Printf("seed %d\n", *seed)
	dir, err := os.MkdirTemp("", "oracle.")
	if err == nil {
		defer os.RemoveAll(dir)
		err = newWorld(dir).make()
	}
	failed := 0
	if w := newWorld(dir); err != nil {
	} else if *only >= 0 {
		err = showOne(w, *tool, *seed, *only)
	} else {
		t := &tally{broken: map[string]*broken{}, refused: map[string]int{}}
		if err = t.work(w, *tool, *seed, *n, *workers); err == nil {
			failed = t.report(w, *tool, *seed)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		failed = 1
	}
	if failed > 0 {
		os.RemoveAll(dir)
		os.Exit(1)
	}
}
