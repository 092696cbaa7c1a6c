package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// tunnels hands out one stable address per device id and keeps the server's key and peers, across restarts.
type tunnels struct {
	server *tunnelServer // nil: nobody is told of new peers

	mu    sync.Mutex
	path  string
	state tunnelState
}

type tunnelState struct {
	ServerKey  string         `json:"server_key"`  // private, base64: this file is mode 0600
	StationKey string         `json:"station_key"` // private, of the station's own tunnel
	Port       int            `json:"port"`        // of the server; a sealed device's wg0.conf names it
	Addresses  map[string]int `json:"addresses"`
	Peers      []tunnelPeer   `json:"peers"` // in the order they came: the last one has the address
}

// tunnelPeer is a device's public key and whose it is.
type tunnelPeer struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

// maxTunnels is how many addresses the subnet has.
const maxTunnels = 250 * 250

var errSubnetFull = errors.New("no address left in the WireGuard subnet")

func loadTunnels(dir string) (*tunnels, error) {
	t := &tunnels{path: filepath.Join(dir, "wireguard.json"), state: tunnelState{Addresses: map[string]int{}}}
	data, err := os.ReadFile(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("tunnels: %w", err)
	default:
		if err := json.Unmarshal(data, &t.state); err != nil {
			return nil, fmt.Errorf("tunnels: %s: %w", t.path, err)
		}
	}
	if t.state.Addresses == nil {
		t.state.Addresses = map[string]int{}
	}
	made := false
	for _, key := range []*string{&t.state.ServerKey, &t.state.StationKey} {
		if *key != "" {
			continue
		}
		k, err := wgtypes.GeneratePrivateKey()
		if err != nil {
			return nil, fmt.Errorf("tunnels: %w", err)
		}
		*key, made = k.String(), true
	}
	if made {
		return t, t.save()
	}
	return t, nil
}

func (t *tunnels) save() error {
	data, err := json.Marshal(t.state)
	if err != nil {
		return fmt.Errorf("tunnels: %w", err)
	}
	tmp := t.path + ".new"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("tunnels: %w", err)
	}
	if err := os.Rename(tmp, t.path); err != nil {
		return fmt.Errorf("tunnels: %w", err)
	}
	return nil
}

// assign gives the id its address and the server's public key, and notes the key of its peer.
func (t *tunnels) assign(id string, peer wgtypes.Key) (ip, server string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, err := wgtypes.ParseKey(t.state.ServerKey)
	if err != nil {
		return "", "", errors.New("tunnels: the server's key is unusable")
	}
	n, had := t.state.Addresses[id]
	if !had {
		if n = len(t.state.Addresses); n >= maxTunnels {
			return "", "", errSubnetFull
		}
		t.state.Addresses[id] = n
	}
	peers := t.state.Peers
	t.state.Peers = slices.DeleteFunc(slices.Clone(peers), func(p tunnelPeer) bool { return p.Key == peer.String() })
	t.state.Peers = append(t.state.Peers, tunnelPeer{Key: peer.String(), ID: id})
	if err := t.save(); err != nil {
		if t.state.Peers = peers; !had {
			delete(t.state.Addresses, id)
		}
		return "", "", err
	}
	return address(n), key.PublicKey().String(), nil
}

// forKey is the deployed contract: the device has its own key. The server does not check what it is given, but what is no
// key can be nobody's peer; without a key there is no tunnel.
func (t *tunnels) forKey(id, key string) (ip, conf string, err error) {
	if key == "" {
		return "", "", nil
	}
	peer, _ := wgtypes.ParseKey(key)
	ip, server, err := t.assign(id, peer)
	if err != nil {
		return "", "", err
	}
	endpoint, server := t.admit(id, ip, peer, server)
	return ip, wgConf(id, ip, PlaceholderKey, server, endpoint), nil
}

// withKey is the documented contract: the API makes the device's key, and it travels in the answer.
func (t *tunnels) withKey(id string) (string, error) {
	key, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		return "", fmt.Errorf("tunnels: %w", err)
	}
	ip, server, err := t.assign(id, key.PublicKey())
	if err != nil {
		return "", err
	}
	endpoint, server := t.admit(id, ip, key.PublicKey(), server)
	return wgConf(id, ip, key.String(), server, endpoint), nil
}

// admit has the server take the peer, and says what goes into its wg0.conf.
func (t *tunnels) admit(id, ip string, peer wgtypes.Key, server string) (endpoint, serverKey string) {
	if t.server == nil {
		return nowhere, server
	}
	return t.server.admit(id, ip, peer, server)
}

// nowhere is the endpoint of a tenant without a server.
const nowhere = "vpn.tenant.example:51820"
