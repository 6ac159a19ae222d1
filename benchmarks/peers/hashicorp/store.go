package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// runStore times the operations of hashicorp's bench package as the `store` benchmark does for ours:
// each in a store of its own, a line each.
func runStore(arguments []string) error {
	flags := flag.NewFlagSet("store", flag.ExitOnError)
	name := flags.String("store", "boltdb", "boltdb or wal")
	dir := flags.String("dir", "", "where stores are made; emptied by whoever gave it")
	size := flags.Int("size", 256, "bytes of an entry")
	batch := flags.Int("batch", 64, "entries of one StoreLogs")
	seconds := flags.Float64("seconds", 1, "for each operation")
	only := flags.String("operation", "", "only this operation")
	_ = flags.Parse(arguments)

	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr})
	for _, operation := range operations {
		if *only != "" && *only != operation.name {
			continue
		}
		store, err := openStore(*name, filepath.Join(*dir, operation.name), logger)
		if err != nil {
			return err
		}
		s := &subject{store: store, data: make([]byte, *size), batch: *batch}
		call, err := operation.prepare(s)
		if err != nil {
			return err
		}
		if _, err = repeat(call, *seconds/5); err != nil {
			return err
		}
		rate, err := repeat(call, *seconds)
		if err != nil {
			return err
		}
		if err = store.close(); err != nil {
			return err
		}
		line, err := json.Marshal(map[string]any{"kind": "store", "operation": operation.name, "ops_s": rate})
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return nil
}

type call func() error

var operations = []struct {
	name    string
	prepare func(*subject) (call, error)
}{
	{"StoreLog", func(s *subject) (call, error) { return func() error { return s.append(1) }, nil }},
	{"StoreLogs", func(s *subject) (call, error) { return func() error { return s.append(s.batch) }, nil }},
	{"GetLog", func(s *subject) (call, error) {
		random := rand.New(rand.NewPCG(1, 2))
		return func() error { return s.store.log.GetLog(1+random.Uint64N(10_000), &raft.Log{}) }, s.fill(1000, 10)
	}},
	{"FirstIndex", func(s *subject) (call, error) {
		return func() error { _, err := s.store.log.FirstIndex(); return err }, s.fill(1000, 10)
	}},
	{"LastIndex", func(s *subject) (call, error) {
		return func() error { _, err := s.store.log.LastIndex(); return err }, s.fill(1000, 10)
	}},
	{"DeleteRange", func(s *subject) (call, error) { return s.deleteOldest, s.fill(20_000, 3) }},
	{"Set", func(s *subject) (call, error) {
		return func() error { return s.store.stable.Set([]byte("key"), make([]byte, 64)) }, nil
	}},
	{"Get", func(s *subject) (call, error) {
		return func() error { _, err := s.store.stable.Get([]byte("key")); return err },
			s.store.stable.Set([]byte("key"), make([]byte, 64))
	}},
	{"SetUint64", func(s *subject) (call, error) {
		return func() error { return s.store.stable.SetUint64([]byte("number"), 7) }, nil
	}},
	{"GetUint64", func(s *subject) (call, error) {
		return func() error { _, err := s.store.stable.GetUint64([]byte("number")); return err },
			s.store.stable.SetUint64([]byte("number"), 7)
	}},
}

func repeat(call call, seconds float64) (int, error) {
	start := time.Now()
	calls := 0
	for time.Since(start).Seconds() < seconds {
		if err := call(); err != nil {
			return 0, err
		}
		calls++
	}
	return int(float64(calls) / time.Since(start).Seconds()), nil
}

// subject is a store that is written as raft does it.
type subject struct {
	store       openedStore
	data        []byte
	batch       int
	first, last uint64
}

func (s *subject) append(count int) error {
	entries := make([]*raft.Log, count)
	for i := range entries {
		s.last++
		entries[i] = &raft.Log{Index: s.last, Term: 1, Type: raft.LogCommand, Data: s.data}
	}
	return s.store.log.StoreLogs(entries)
}

// fill writes in large batches, which is not what is timed.
func (s *subject) fill(batches, entries int) error {
	for range batches / 100 {
		if err := s.append(100 * entries); err != nil {
			return err
		}
	}
	return nil
}

// deleteOldest deletes three entries, and goes on with fresh ones when there are no more.
func (s *subject) deleteOldest() error {
	if s.first+3 >= s.last {
		if err := s.fill(20_000, 3); err != nil {
			return err
		}
	}
	first := s.first + 1
	s.first += 3
	return s.store.log.DeleteRange(first, s.first)
}
