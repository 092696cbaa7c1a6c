/* wg0.conf: wg-quick runs it as root, so nothing is in it but what a tunnel needs. */
#include "posix.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const interface_keys[] = {"Address", "DNS", "ListenPort", "MTU", "FwMark", NULL};
static const char *const peer_keys[] = {"PublicKey", "PresharedKey", "Endpoint", "AllowedIPs", "PersistentKeepalive", NULL};

static bool listed(const char *const keys[], const char *key, size_t n) {
  size_t i;
  for (i = 0; keys[i] != NULL; i++) {
    if (strlen(keys[i]) == n && strncasecmp(keys[i], key, n) == 0) {
      return true;
    }
  }
  return false;
}

static bool is(const char *line, size_t n, const char *want) { return n == strlen(want) && strncmp(line, want, n) == 0; }

/* Accepts [Interface] first and once, then peers with their keys; no PrivateKey, no hooks, no comments. */
bool tunnel_acceptable(const char *conf) {
  const char *const *keys = NULL;
  unsigned peers = 0, publics = 0;
  const char *line, *end;
  for (line = conf; *line != 0; line = end + 1) {
    size_t n, key;
    end = strchr(line, '\n');
    if (end == NULL) {
      return false;
    }
    n = (size_t)(end - line);
    if (n == 0) {
      continue;
    }
    if (is(line, n, "[Interface]")) {
      if (keys != NULL) {
        return false;
      }
      keys = interface_keys;
    } else if (is(line, n, "[Peer]")) {
      if (keys == NULL || publics != peers) {
        return false;
      }
      keys = peer_keys;
      peers++;
    } else {
      key = strcspn(line, " =\n");
      if (keys == NULL || !listed(keys, line, key) || strncmp(line + key, " = ", 3) != 0) {
        return false;
      }
      publics += key == 9 && strncasecmp(line, "PublicKey", 9) == 0;
    }
  }
  return peers > 0 && publics == peers;
}

size_t tunnel_complete(const char *conf, const char *key, char *out, size_t cap) {
  static const char head[] = "[Interface]\n";
  int n;
  if (strncmp(conf, head, sizeof head - 1) != 0) {
    return 0;
  }
  n = snprintf(out, cap, "%sPrivateKey = %s\n%s", head, key, conf + sizeof head - 1);
  return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}
