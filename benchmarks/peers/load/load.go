// Package load is what every peer's node has in common: it is told what to do in JSON lines on its
// standard input, puts closed-loop load on its node, and reports in JSON lines on its standard output.
package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Command is what the benchmark asks of a node.
type Command struct {
	Kind          string  `json:"kind"` // "load" or "stop"
	Inflight      int     `json:"inflight"`
	Size          int     `json:"size"`
	Seconds       float64 `json:"seconds"`
	WarmUpSeconds float64 `json:"warmUpSeconds"`
}

// Figures have the names and units of the replicated-log benchmark.
type Figures struct {
	OpsS     int     `json:"ops_s"`
	P50Ms    float64 `json:"p50_ms"`
	P99Ms    float64 `json:"p99_ms"`
	P999Ms   float64 `json:"p999_ms"`
	RssMb    int     `json:"rss_mb"`
	FlushesS int     `json:"flushes_s"`
}

// Node is a peer's node, once it runs.
type Node struct {
	// Leading is closed once this node leads.
	Leading <-chan struct{}
	// Apply replicates a command and returns once this node has applied it. Clients count from 0.
	Apply func(client int, command []byte) error
	// Flushes counts the flushes of this node's log so far.
	Flushes func() uint64
	Stop    func()
}

// Serve obeys until it is told to stop, or whoever started this process is gone.
func Serve(node Node) {
	go func() {
		<-node.Leading
		report(map[string]any{"kind": "leading"})
	}()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var command Command
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			Fail(err)
		}
		if command.Kind == "stop" {
			break
		}
		figures, err := run(node, command)
		if err != nil {
			Fail(err)
		}
		report(map[string]any{"kind": "measured", "figures": figures})
	}
	node.Stop()
}

// Fail reports the error and ends this process.
func Fail(err error) {
	report(map[string]any{"kind": "failed", "message": err.Error()})
	os.Exit(1)
}

var reporting sync.Mutex

func report(message map[string]any) {
	line, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	reporting.Lock()
	defer reporting.Unlock()
	fmt.Println(string(line))
}

func run(node Node, command Command) (Figures, error) {
	payload := slices.Repeat([]byte("x"), command.Size)
	warmUp := max(command.Inflight, 256)
	if _, err := closedLoop(node, payload, warmUp, command.WarmUpSeconds); err != nil {
		return Figures{}, err
	}
	before := node.Flushes()
	latencies, err := closedLoop(node, payload, command.Inflight, command.Seconds)
	if err != nil {
		return Figures{}, err
	}
	return summary(latencies, command.Seconds, node.Flushes()-before), nil
}

// closedLoop runs so many clients, each with one command at a time. It returns the latencies.
func closedLoop(node Node, payload []byte, inflight int, seconds float64) ([]time.Duration, error) {
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	found := make([][]time.Duration, inflight)
	failed := make([]error, inflight)
	var clients sync.WaitGroup
	for i := range inflight {
		clients.Go(func() {
			for sent := time.Now(); sent.Before(end); {
				if err := node.Apply(i, payload); err != nil {
					failed[i] = err
					return
				}
				now := time.Now()
				if !now.After(end) {
					found[i] = append(found[i], now.Sub(sent))
				}
				sent = now
			}
		})
	}
	clients.Wait()
	return slices.Concat(found...), errors.Join(failed...)
}

func summary(latencies []time.Duration, seconds float64, flushes uint64) Figures {
	slices.Sort(latencies)
	quantile := func(q float64) float64 {
		if len(latencies) == 0 {
			return 0
		}
		at := min(len(latencies)-1, int(float64(len(latencies))*q))
		return float64(latencies[at].Round(time.Microsecond)) / float64(time.Millisecond)
	}
	return Figures{
		OpsS:     int(float64(len(latencies)) / seconds),
		P50Ms:    quantile(0.5),
		P99Ms:    quantile(0.99),
		P999Ms:   quantile(0.999),
		RssMb:    residentMb(),
		FlushesS: int(float64(flushes) / seconds),
	}
}

// residentMb is 0 where the system has no /proc.
func residentMb() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, _ := strconv.Atoi(fields[1])
			return kib / 1024
		}
	}
	return 0
}
