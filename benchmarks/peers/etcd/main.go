// Command etcd runs one etcd member for the side-by-side benchmarks, in one process with its load.
package main

import (
	"context"
	"errors"
	"flag"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"

	"troupe/benchmarks/peers/load"
)

func main() {
	id := flag.String("id", "", "this member")
	members := flag.String("members", "", "id=host:port, …: where members reach each other")
	client := flag.String("client", "", "host:port for clients")
	dir := flag.String("dir", "", "data directory")
	connections := flag.Int("connections", 4, "of the client; 0: a client in the server's memory")
	flag.Parse()
	if err := run(*id, *members, *client, *dir, *connections); err != nil {
		load.Fail(err)
	}
}

func run(id, members, client, dir string, connections int) error {
	server, err := start(id, members, client, dir)
	if err != nil {
		return err
	}
	leading := make(chan struct{})
	go func() {
		<-server.Server.ReadyNotify()
		for server.Server.Leader() != server.Server.MemberID() {
			<-server.Server.LeaderChangedNotify()
		}
		close(leading)
	}()
	clients, err := connect(server, client, connections)
	if err != nil {
		return err
	}
	load.Serve(load.Node{
		Leading: leading,
		Apply: func(number int, value []byte) error {
			_, err := clients[number%len(clients)].Put(context.Background(), keys[number%len(keys)], string(value))
			return err
		},
		Flushes: walFlushes,
		Stop:    server.Close,
	})
	return nil
}

// start uses the server's defaults (the timeouts are those of the others too), and flushes.
func start(id, members, client, dir string) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Name = id
	config.Dir = dir
	config.LogLevel = "fatal"
	config.TickMs = 100
	config.ElectionMs = 1000
	// Room for the whole run: at the limit it would refuse writes.
	config.QuotaBackendBytes = 8 << 30
	var list []string
	for member := range strings.SplitSeq(members, ",") {
		name, address, _ := strings.Cut(member, "=")
		list = append(list, name+"=http://"+address)
		if name == id {
			config.ListenPeerUrls = urls(address)
			config.AdvertisePeerUrls = urls(address)
		}
	}
	config.InitialCluster = strings.Join(list, ",")
	config.ListenClientUrls = urls(client)
	config.AdvertiseClientUrls = urls(client)
	return embed.StartEtcd(config)
}

func urls(address string) []url.URL {
	return []url.URL{{Scheme: "http", Host: address}}
}

// connect opens the connections of etcd's own Go client, or one client that calls the server's code
// without a socket, which a program that embeds etcd may do.
func connect(server *embed.Etcd, address string, connections int) ([]*clientv3.Client, error) {
	if connections == 0 {
		return []*clientv3.Client{v3client.New(server.Server)}, nil
	}
	var clients []*clientv3.Client
	for range connections {
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{address}})
		if err != nil {
			return nil, err
		}
		clients = append(clients, client)
	}
	if len(clients) == 0 {
		return nil, errors.New("expected --connections of 0 or more")
	}
	return clients, nil
}

// keys are few, one a client: the tree stays small, which is the best for it.
var keys = func() (names []string) {
	for i := range 8192 {
		names = append(names, "key-"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676)))
	}
	return names
}()

// walFlushes is what the server itself counts.
func walFlushes() uint64 {
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		return 0
	}
	for _, family := range families {
		if family.GetName() == "etcd_disk_wal_fsync_duration_seconds" {
			return family.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	return 0
}
