package topology

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// root is the path of the repository.
const root = "../.."

// compose is the part of docker-compose.yml that the tests use.
type compose struct {
	Services map[string]service `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
		IPAM     struct {
			Config []struct {
				Subnet string `yaml:"subnet"`
			} `yaml:"config"`
		} `yaml:"ipam"`
	} `yaml:"networks"`
}

type service struct {
	Build       string            `yaml:"build"`
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Volumes     []string          `yaml:"volumes"`
	Ports       []string          `yaml:"ports"`
	Networks    any               `yaml:"networks"` // a list or a mapping
}

// nodeConfig is the part of deploy/scanlogin.yaml that the tests use.
type nodeConfig struct {
	Listen         string   `yaml:"listen"`
	OpsListen      string   `yaml:"ops_listen"`
	RedisURL       string   `yaml:"redis_url"`
	TrustedProxies []string `yaml:"trusted_proxies"`
	Pools          []struct {
		ID      string   `yaml:"id"`
		Secret  string   `yaml:"secret"`
		Origins []string `yaml:"origins"`
	} `yaml:"pools"`
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readYAML[T any](t *testing.T, name string) (v T) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readText(t, name)), &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func readCompose(t *testing.T) compose { t.Helper(); return readYAML[compose](t, "docker-compose.yml") }
func readNodeConfig(t *testing.T) nodeConfig {
	t.Helper()
	return readYAML[nodeConfig](t, "deploy/scanlogin.yaml")
}

// redisFlags returns the arguments of redis-server.
func (c compose) redisFlags(t *testing.T) []string {
	t.Helper()
	command := c.Services["redis"].Command
	if len(command) < 2 || command[0] != "redis-server" {
		t.Fatalf("docker-compose.yml starts Redis with %q", command)
	}
	return command[1:]
}

// nodes returns the names of the services that run scanlogin.
func (c compose) nodes() (names []string) {
	for name, s := range c.Services {
		if s.Build != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// alias returns the network name that all nodes share.
func (c compose) alias(t *testing.T) string {
	t.Helper()
	var all []string
	for _, name := range c.nodes() {
		networks, _ := c.Services[name].Networks.(map[string]any)
		front, _ := networks["front"].(map[string]any)
		aliases, _ := front["aliases"].([]any)
		if len(aliases) != 1 {
			t.Fatalf("service %s must have one alias, not %v", name, aliases)
		}
		all = append(all, aliases[0].(string))
	}
	if len(all) < 2 || len(slices.Compact(slices.Clone(all))) != 1 {
		t.Fatalf("at least two nodes must share one alias; they have %q", all)
	}
	return all[0]
}

func TestRedisFlagsPersistEveryAcknowledgedWrite(t *testing.T) {
	flags := strings.Join(readCompose(t).redisFlags(t), " ")
	for _, want := range []string{"--appendonly yes", "--appendfsync always", "--maxmemory ", "--maxmemory-policy noeviction"} {
		if !strings.Contains(flags, want) {
			t.Errorf("no %q in %q", want, flags)
		}
	}
}

func TestImagesArePinned(t *testing.T) {
	exact := regexp.MustCompile(`^[a-z/]+:\d+\.\d+\.\d+(-[a-z0-9.]+)?$`)
	images := []string{}
	for _, s := range readCompose(t).Services {
		if s.Build == "" {
			images = append(images, s.Image)
		}
	}
	for _, from := range regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)`).FindAllStringSubmatch(readText(t, "Dockerfile"), -1) {
		if from[1] != "scratch" {
			images = append(images, from[1])
		}
	}
	images = append(images, regexp.MustCompile(`image: (\S+)`).FindStringSubmatch(readText(t, "deploy/haproxy.cfg"))[1])
	if len(images) != 5 {
		t.Errorf("found images %q, want 5", images)
	}
	for _, image := range images {
		if !exact.MatchString(image) {
			t.Errorf("image %s is not pinned to one version", image)
		}
	}
}

func TestDeploymentFilesAgree(t *testing.T) {
	c, n, docker := readCompose(t), readNodeConfig(t), readText(t, "Dockerfile")
	if subnet := c.Networks["front"].IPAM.Config[0].Subnet; !slices.Equal(n.TrustedProxies, []string{subnet}) {
		t.Errorf("trusted_proxies is %q, but the load balancer's network is %s", n.TrustedProxies, subnet)
	}
	if !strings.HasPrefix(n.RedisURL, "redis://redis:6379/") || !c.Networks["inside"].Internal {
		t.Errorf("redis_url is %s, which is not the service redis on the internal network", n.RedisURL)
	}
	config := regexp.MustCompile(`SCANLOGIN_CONFIG=(\S+)`).FindStringSubmatch(docker)[1]
	if !strings.Contains(docker, "EXPOSE "+strings.TrimPrefix(n.Listen, ":")+"\n") {
		t.Errorf("the image does not expose %s", n.Listen)
	}
	for _, name := range c.nodes() {
		s := c.Services[name]
		if !slices.Contains(s.Volumes, "./deploy:"+path.Dir(config)+":ro") || path.Base(config) != "scanlogin.yaml" {
			t.Errorf("service %s reads %s, but its volumes are %q", name, config, s.Volumes)
		}
		secret := strings.TrimPrefix(n.Pools[0].Secret, "env:")
		if !strings.HasPrefix(s.Environment[secret], "${"+secret+":?") {
			t.Errorf("service %s: docker-compose.yml does not require the variable %s", name, secret)
		}
		if len(s.Ports) > 0 {
			t.Errorf("service %s publishes ports %q, bypassing the load balancer", name, s.Ports)
		}
	}
}

// TestThePageToTryMatchesTheNodes compares the service that only the profile "try" starts
// with the pool and the load balancer.
func TestThePageToTryMatchesTheNodes(t *testing.T) {
	c, pool := readCompose(t), readNodeConfig(t).Pools[0]
	env := c.Services["site"].Environment
	if !slices.Contains(pool.Origins, env["SITE_ORIGIN"]) || env["SCANLOGIN_POOL"] != pool.ID {
		t.Errorf("the page is %s of the pool %s, but the pool %s has the origins %q", env["SITE_ORIGIN"], env["SCANLOGIN_POOL"], pool.ID, pool.Origins)
	}
	if !strings.Contains(readText(t, "deploy/nginx.conf"), "listen "+strings.TrimPrefix(env["SCANLOGIN_INTERNAL_URL"], "http://balancer:")+";") {
		t.Errorf("the load balancer does not listen at %s", env["SCANLOGIN_INTERNAL_URL"])
	}
	source := readText(t, "examples/node/server.mjs")
	for name := range env {
		if !strings.Contains(source, "env."+name) {
			t.Errorf("examples/node/server.mjs does not read %s", name)
		}
	}
}
