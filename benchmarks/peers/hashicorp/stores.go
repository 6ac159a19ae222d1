package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	wal "github.com/hashicorp/raft-wal"
	"go.etcd.io/bbolt"
)

type openedStore struct {
	log    raft.LogStore
	stable raft.StableStore
	close  func() error
}

// openStore opens one of hashicorp's two durable stores, each with what makes it fastest and leaves it
// durable. raft-wal keeps term and vote too, as Consul uses it.
func openStore(name, dir string, logger hclog.Logger) (openedStore, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return openedStore{}, err
	}
	switch name {
	case "boltdb":
		store, err := raftboltdb.New(raftboltdb.Options{
			Path: filepath.Join(dir, "raft.db"),
			// The free list is rebuilt at the next start instead of being written with every commit.
			BoltOptions: &bbolt.Options{
				NoFreelistSync: true,
				FreelistType:   bbolt.FreelistMapType,
				NoStatistics:   true,
			},
		})
		if err != nil {
			return openedStore{}, err
		}
		return openedStore{store, store, store.Close}, nil
	case "wal":
		path := filepath.Join(dir, "wal")
		if err := os.MkdirAll(path, 0o755); err != nil {
			return openedStore{}, err
		}
		store, err := wal.Open(path, wal.WithLogger(logger))
		if err != nil {
			return openedStore{}, err
		}
		return openedStore{store, store, store.Close}, nil
	}
	return openedStore{}, fmt.Errorf("expected --store boltdb or wal, found %q", name)
}

// countingLog counts the calls that end in a flush.
type countingLog struct {
	raft.LogStore
	calls atomic.Uint64
}

func (c *countingLog) StoreLog(entry *raft.Log) error {
	c.calls.Add(1)
	return c.LogStore.StoreLog(entry)
}

func (c *countingLog) StoreLogs(entries []*raft.Log) error {
	c.calls.Add(1)
	return c.LogStore.StoreLogs(entries)
}

// IsMonotonic is asked by raft: a write-ahead log cannot hold gaps.
func (c *countingLog) IsMonotonic() bool {
	monotonic, ok := c.LogStore.(raft.MonotonicLogStore)
	return ok && monotonic.IsMonotonic()
}
