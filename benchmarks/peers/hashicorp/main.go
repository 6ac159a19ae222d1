// Command hashicorp runs one node of hashicorp/raft for the side-by-side benchmarks (the subcommand
// `node`), or times its log stores alone (`store`).
package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"troupe/benchmarks/peers/load"
)

func main() {
	if len(os.Args) < 2 {
		load.Fail(errors.New("expected a subcommand: node or store"))
	}
	var err error
	switch arguments := os.Args[2:]; os.Args[1] {
	case "node":
		err = runNode(arguments)
	case "store":
		err = runStore(arguments)
	default:
		err = errors.New("expected a subcommand: node or store, found " + os.Args[1])
	}
	if err != nil {
		load.Fail(err)
	}
}

func runNode(arguments []string) error {
	flags := flag.NewFlagSet("node", flag.ExitOnError)
	id := flags.String("id", "", "this node")
	members := flags.String("members", "", "id=host:port, …")
	dir := flags.String("dir", "", "data directory")
	storeName := flags.String("store", "boltdb", "boltdb or wal")
	// The largest batch that the library allows.
	maxAppend := flags.Int("max-append", 1024, "MaxAppendEntries")
	rpcs := flags.Int("rpcs", 0, "MaxRPCsInFlight; 0 is the library's default")
	cache := flags.Int("cache", 8192, "entries that the log cache holds; 0 for none")
	_ = flags.Parse(arguments)

	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr})
	store, err := openStore(*storeName, *dir, logger)
	if err != nil {
		return err
	}
	counted := &countingLog{LogStore: store.log}
	var logs raft.LogStore = counted
	if *cache > 0 {
		if logs, err = raft.NewLogCache(*cache, counted); err != nil {
			return err
		}
	}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(filepath.Join(*dir, "snapshots"), 2, logger)
	if err != nil {
		return err
	}
	servers := parseMembers(*members)
	transport, err := listen(addressOf(servers, *id), *rpcs, logger)
	if err != nil {
		return err
	}
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(*id)
	config.Logger = logger
	config.BatchApplyCh = true
	config.MaxAppendEntries = *maxAppend
	config.NoLegacyTelemetry = true
	// Every node bootstraps with the same list, which the library allows on an empty store.
	configuration := raft.Configuration{Servers: servers}
	if err := raft.BootstrapCluster(config, logs, store.stable, snapshots, transport, configuration); err != nil {
		return err
	}
	node, err := raft.NewRaft(config, &counter{}, logs, store.stable, snapshots, transport)
	if err != nil {
		return err
	}
	leading := make(chan struct{})
	go func() {
		for leads := range node.LeaderCh() {
			if leads {
				close(leading)
				return
			}
		}
	}()
	load.Serve(load.Node{
		Leading: leading,
		Apply:   func(_ int, command []byte) error { return node.Apply(command, 0).Error() },
		Flushes: counted.calls.Load,
		Stop:    func() { _ = node.Shutdown().Error() },
	})
	return nil
}

func listen(address raft.ServerAddress, rpcs int, logger hclog.Logger) (raft.Transport, error) {
	return raft.NewTCPTransportWithConfig(string(address), nil, &raft.NetworkTransportConfig{
		Logger:          logger,
		MaxPool:         3,
		MaxRPCsInFlight: rpcs,
		Timeout:         10 * time.Second,
	})
}

func parseMembers(text string) []raft.Server {
	var servers []raft.Server
	for member := range strings.SplitSeq(text, ",") {
		id, address, _ := strings.Cut(member, "=")
		servers = append(servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(address)})
	}
	return servers
}

func addressOf(servers []raft.Server, id string) raft.ServerAddress {
	for _, server := range servers {
		if server.ID == raft.ServerID(id) {
			return server.Address
		}
	}
	return ""
}
