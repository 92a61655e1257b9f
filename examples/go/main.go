// The example asks dindbind what a runner's paths are, in both ways that a Go program has.
//
// SPDX-License-Identifier: 0BSD
//
//	go build
//	./dindbind.example library PID PATH...      package dindbind: to open, and to mount
//	./dindbind.example stage PID DIR PATH...    package dindbind: mounts of the files themselves
//	./dindbind.example volumes PID SPEC...      package dindbind: -v specs
//	./dindbind.example body PID <BODY           package dindbind: a create body, as a shim on docker's socket does it
//	./dindbind.example program PID PATH...      package command: to open; calls `dindbind`
//	./dindbind.example create PID <BODY         package command: a create body
//	./dindbind.example mounts PID DIR SPEC...   package command: mounts for a config.json, staged in DIR
//
// A daemon takes one of the two packages along: `cp -rL dindbind` or `cp -r command`.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"

	"dindbind.example/command"
	"dindbind.example/dindbind"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "library, stage, volumes, body, program, create or mounts, and a PID")
		os.Exit(2)
	}
	pid, err := strconv.Atoi(os.Args[2])
	if err == nil {
		words := os.Args[3:]
		caller := command.Dindbind{Program: "dindbind", Options: []string{"-p", os.Args[2]}}
		switch os.Args[1] {
		case "library":
			err = library(pid, words)
		case "stage":
			err = stage(pid, words[0], words[1:])
		case "volumes":
			err = volumes(pid, words)
		case "body":
			err = body(pid)
		case "program":
			err = program(caller, words)
		case "create":
			err = create(caller)
		case "mounts":
			caller.Stage = words[0]
			err = mounts(caller, words[1:])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// library resolves all paths at the same time: goroutines may share a runner.
func library(pid int, paths []string) error {
	runner, err := dindbind.Open(dindbind.Config{PID: pid})
	if err != nil {
		return err
	}
	defer runner.Close()
	answers := make([]string, len(paths))
	var all sync.WaitGroup
	for i := range paths {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			answers[i] = answer(runner, paths[i])
		}(i)
	}
	all.Wait()
	for _, a := range answers {
		fmt.Print(a)
	}
	return nil
}

func answer(runner *dindbind.Runner, path string) string {
	var refused *dindbind.Error
	source, err := runner.Resolve(path)
	if errors.As(err, &refused) {
		return fmt.Sprintf("refused %s\n", refused.Word)
	}
	defer source.Close()
	// what is opened through the descriptor is what was resolved, even if the runner is hostile
	text := fmt.Sprintf("open %s\n", source.Path)
	mounts, err := runner.Mounts(path)
	if errors.As(err, &refused) {
		return text + fmt.Sprintf("refused %s\n", refused.Word)
	}
	for _, m := range mounts {
		text += fmt.Sprintf("mount %s:TARGET%s\n", m.Path, m.Below)
	}
	return text
}

func stage(pid int, dir string, paths []string) error {
	runner, err := dindbind.Open(dindbind.Config{PID: pid})
	if err != nil {
		return err
	}
	defer runner.Close()
	mounts, err := runner.Stage(dir, paths...)
	for _, m := range mounts {
		fmt.Println("mount", m.Path)
	}
	return err
}

func volumes(pid int, specs []string) error {
	runner, err := dindbind.Open(dindbind.Config{PID: pid})
	if err != nil {
		return err
	}
	defer runner.Close()
	answers, err := runner.Volumes(dindbind.Request{}, specs...)
	if err == nil {
		for _, a := range answers {
			fmt.Println("-v", a)
		}
	}
	return err
}

func body(pid int) error {
	runner, err := dindbind.Open(dindbind.Config{PID: pid})
	if err != nil {
		return err
	}
	defer runner.Close()
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	body, err = runner.Create(dindbind.Request{}, body)
	var refused *dindbind.Error
	if errors.As(err, &refused) && refused.Status < 3 { // the request is wrong, not the runner
		reply(body, err, refused.Message)
	} else {
		reply(body, err, "")
	}
	return nil
}

// reply does what a shim does with the answer: it goes to the daemon, or back to the client with a status.
func reply(body []byte, err error, refusal string) {
	switch {
	case refusal != "":
		fmt.Println("400", refusal)
	case err != nil:
		fmt.Println("500", err)
	default:
		fmt.Print("forward ", string(body))
	}
}

func program(caller command.Dindbind, paths []string) error {
	answers, err := caller.Paths(context.Background(), paths...)
	for _, a := range answers {
		if a.Error != "" {
			fmt.Println("refused", a.Error)
		} else {
			fmt.Println("open", a.Path)
		}
	}
	return err
}

func create(caller command.Dindbind) error {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	body, err = caller.Create(context.Background(), body)
	var refused *command.Refused
	if errors.As(err, &refused) {
		reply(body, err, refused.Message)
	} else {
		reply(body, err, "")
	}
	return nil
}

func mounts(caller command.Dindbind, specs []string) error {
	mounts, err := caller.Mounts(context.Background(), specs...)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(mounts)
}
