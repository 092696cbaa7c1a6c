package stationtest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Nginx is a real reverse proxy that ends TLS, as a tenant's does.
type Nginx struct {
	*Process
	URL string // https://127.0.0.1:PORT and the base path
}

// StartNginx starts a proxy whose base path (such as /pki) leads to an upstream (https://...), which it does not check.
// cert and key are PEM files.
func StartNginx(t testing.TB, cert, key, base, upstream string) *Nginx {
	t.Helper()
	program, port, dir := Program(t, "nginx"), FreePort(t), t.TempDir()
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // or it could not read the test's files
	}
	conf := fmt.Sprintf(`daemon off;
master_process off;
%s
pid %[2]s/nginx.pid;
error_log stderr notice;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path %[2]s/body;
  proxy_temp_path %[2]s/proxy;
  fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi;
  scgi_temp_path %[2]s/scgi;
  server {
    listen 127.0.0.1:%d ssl;
    ssl_certificate %s;
    ssl_certificate_key %s;
    location %s/ {
      proxy_pass %s/;
      proxy_ssl_verify off;
      proxy_set_header Host $host;
    }
  }
}
`, user, dir, port, cert, key, base, upstream)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &Nginx{Process: Start(t, program, "-e", "stderr", "-p", dir, "-c", file), URL: fmt.Sprintf("https://127.0.0.1:%d%s", port, base)}
	// It listens before it says so.
	n.WaitLine("using the \"epoll\" event method")
	return n
}
