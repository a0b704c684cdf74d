package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A memory is the most that was resident at a time while a tool did a job, in bytes.
type memory struct {
	tool       int64 // the tool's own process
	withEngine int64 // together with all processes of the engine
}

func (m memory) max(other memory) memory {
	return memory{max(m.tool, other.tool), max(m.withEngine, other.withEngine)}
}

// sampleEvery is how often the memory is looked at.
const sampleEvery = 50 * time.Millisecond

// listEvery is after how many looks the processes are listed anew. To list them takes long, and to look at those of an engine does not.
const listEvery = 10

// watchMemory looks at the memory of a tool's process and an engine's processes until the function that it returns is called. Without an
// engine, it is that of what the tool has started.
func watchMemory(tool, engine int) (stop func() memory) {
	var (
		peak memory
		done = make(chan struct{})
		wait sync.WaitGroup
	)
	wait.Go(func() {
		ticker := time.NewTicker(sampleEvery)
		defer ticker.Stop()
		var pids []int
		for look := 0; ; look++ {
			if look%listEvery == 0 {
				pids = descendants(tool)
				if engine != 0 {
					pids = append(pids, descendants(engine)...)
				}
			}
			peak = peak.max(memory{tool: highWater(tool), withEngine: resident(pids)})
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
	})
	return func() memory {
		close(done)
		wait.Wait()
		return peak
	}
}

// resident returns what processes have resident now. One that has ended has nothing.
func resident(pids []int) (sum int64) {
	for _, pid := range pids {
		p, _ := readProcess(pid)
		sum += p.resident
	}
	return sum
}

// A process is one of this machine.
type process struct {
	parent   int
	resident int64
}

func processes() map[int]process {
	all := map[int]process{}
	names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well-formed
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		if p, ok := readProcess(pid); ok && err == nil {
			all[pid] = p
		}
	}
	return all
}

// readProcess returns false for a process that has ended.
func readProcess(pid int) (process, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	return parseStat(string(data))
}

// parseStat reads proc_pid_stat(5). The name of the program, in parentheses, may hold anything.
func parseStat(text string) (process, bool) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const parent, pages = 4 - 3, 24 - 3 // the manual counts from 1, and the two before are cut off
	if len(fields) <= pages {
		return process{}, false
	}
	p, err := strconv.Atoi(fields[parent])
	n, err2 := strconv.ParseInt(fields[pages], 10, 64)
	return process{parent: p, resident: n * int64(os.Getpagesize())}, err == nil && err2 == nil
}

// descendants returns a process and all that it has started, by way of others too.
func descendants(from int) []int {
	children := map[int][]int{}
	for pid, p := range processes() {
		children[p.parent] = append(children[p.parent], pid)
	}
	found := []int{from}
	for at := 0; at < len(found); at++ {
		found = append(found, children[found[at]]...)
	}
	return found
}

// highWater returns the most that a process has had resident. The rusage of an ended child is no use: it includes what its parent had
// resident when it was started.
func highWater(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// enginePID finds the process of an engine, the one of this process's children that has the engine's directory among its arguments.
func enginePID(dir string) (int, error) {
	for pid, p := range processes() {
		if p.parent != os.Getpid() {
			continue
		}
		if args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && bytes.Contains(args, []byte(dir+"/")) {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no process has %s among its arguments", dir)
}
