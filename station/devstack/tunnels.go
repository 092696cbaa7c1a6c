package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// tunnels hands out one stable address per device id and keeps the server's key, across restarts.
type tunnels struct {
	mu    sync.Mutex
	path  string
	state tunnelState
}

type tunnelState struct {
	ServerKey string         `json:"server_key"` // private, base64: this file is mode 0600
	Addresses map[string]int `json:"addresses"`
}

// maxTunnels is how many addresses the subnet has.
const maxTunnels = 250 * 250

var errSubnetFull = errors.New("no address left in the WireGuard subnet")

func loadTunnels(dir string) (*tunnels, error) {
	t := &tunnels{path: filepath.Join(dir, "wireguard.json"), state: tunnelState{Addresses: map[string]int{}}}
	data, err := os.ReadFile(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key, err := wgtypes.GeneratePrivateKey()
		if err != nil {
			return nil, fmt.Errorf("tunnels: %w", err)
		}
		t.state.ServerKey = key.String()
		return t, t.save()
	case err != nil:
		return nil, fmt.Errorf("tunnels: %w", err)
	}
	if err := json.Unmarshal(data, &t.state); err != nil {
		return nil, fmt.Errorf("tunnels: %s: %w", t.path, err)
	}
	if t.state.Addresses == nil {
		t.state.Addresses = map[string]int{}
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

// assign gives the id its address and the server's public key.
func (t *tunnels) assign(id string) (ip, server string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, ok := t.state.Addresses[id]
	if !ok {
		if n = len(t.state.Addresses); n >= maxTunnels {
			return "", "", errSubnetFull
		}
		t.state.Addresses[id] = n
		if err := t.save(); err != nil {
			delete(t.state.Addresses, id)
			return "", "", err
		}
	}
	key, err := wgtypes.ParseKey(t.state.ServerKey)
	if err != nil {
		return "", "", errors.New("tunnels: the server's key is unusable")
	}
	return address(n), key.PublicKey().String(), nil
}

// forKey is the deployed contract: the device has its own key. The server does not check what it is given; without a key
// there is no tunnel.
func (t *tunnels) forKey(id, key string) (ip, conf string, err error) {
	if key == "" {
		return "", "", nil
	}
	ip, server, err := t.assign(id)
	if err != nil {
		return "", "", err
	}
	return ip, wgConf(id, ip, PlaceholderKey, server), nil
}

// withKey is the documented contract: the API makes the device's key, and it travels in the answer.
func (t *tunnels) withKey(id string) (string, error) {
	ip, server, err := t.assign(id)
	if err != nil {
		return "", err
	}
	key, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		return "", fmt.Errorf("tunnels: %w", err)
	}
	return wgConf(id, ip, key.String(), server), nil
}
