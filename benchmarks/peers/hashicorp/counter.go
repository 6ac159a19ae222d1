package main

import (
	"encoding/binary"
	"io"

	"github.com/hashicorp/raft"
)

// counter counts entries and bytes: the cheapest state machine, in batches (BatchingFSM), as the
// benchmark's own machine does it.
type counter struct {
	entries, bytes uint64
}

var _ raft.BatchingFSM = (*counter)(nil)

func (c *counter) Apply(entry *raft.Log) any {
	c.entries++
	c.bytes += uint64(len(entry.Data))
	return nil
}

func (c *counter) ApplyBatch(entries []*raft.Log) []any {
	for _, entry := range entries {
		c.entries++
		c.bytes += uint64(len(entry.Data))
	}
	return make([]any, len(entries))
}

func (c *counter) Snapshot() (raft.FSMSnapshot, error) {
	return state{c.entries, c.bytes}, nil
}

func (c *counter) Restore(source io.ReadCloser) error {
	defer source.Close()
	var saved state
	if err := binary.Read(source, binary.LittleEndian, &saved); err != nil {
		return err
	}
	c.entries, c.bytes = saved[0], saved[1]
	return nil
}

type state [2]uint64

func (s state) Persist(sink raft.SnapshotSink) error {
	if err := binary.Write(sink, binary.LittleEndian, s); err != nil {
		_ = sink.Cancel()
		return err
	}
	return sink.Close()
}

func (s state) Release() {}
