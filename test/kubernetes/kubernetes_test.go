// Package kubernetes tests the manifests in deploy/kubernetes. It decodes them
// strictly with the types of the Kubernetes API, so that a misspelled or misplaced
// field fails, and compares them with the program that they run. It is a separate
// module, so that building scanlogin does not require the Kubernetes types.
package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const root = "../../"

// kustomization is the part of kustomization.yaml that is used here. Kustomize's own
// types are in a module with many dependencies.
type kustomization struct {
	meta.TypeMeta `json:",inline"`

	Namespace          string   `json:"namespace"`
	Resources          []string `json:"resources"`
	ConfigMapGenerator []struct {
		Name  string   `json:"name"`
		Files []string `json:"files"`
	} `json:"configMapGenerator"`
	Images []struct {
		Name   string `json:"name"`
		NewTag string `json:"newTag"`
	} `json:"images"`
	Labels []struct {
		Pairs map[string]string `json:"pairs"`
	} `json:"labels"`
}

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// read decodes a manifest of a kind.
func read[T any](t *testing.T, kind, name string) (v T) {
	t.Helper()
	manifest := text(t, "deploy/kubernetes/"+name)
	if !strings.Contains(manifest, "\nkind: "+kind+"\n") {
		t.Fatalf("%s is not a %s", name, kind)
	}
	if err := yaml.UnmarshalStrict([]byte(manifest), &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func deployment(t *testing.T) apps.Deployment {
	t.Helper()
	return read[apps.Deployment](t, "Deployment", "deployment.yaml")
}

// config returns the part of scanlogin's configuration that the manifests repeat.
func config(t *testing.T) (c struct {
	Listen     string        `json:"listen"`
	OpsListen  string        `json:"ops_listen"`
	DrainDelay meta.Duration `json:"drain_delay"`
}) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text(t, "deploy/kubernetes/scanlogin.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMisspelledFieldsAreRejected(t *testing.T) {
	manifest := text(t, "deploy/kubernetes/deployment.yaml")
	for _, field := range []string{"terminationGracePeriodSeconds:", "readinessProbe:", "periodSeconds:", "whenUnsatisfiable:", "drop:"} {
		wrong := strings.Replace(manifest, field, "x"+field, 1)
		if wrong == manifest || yaml.UnmarshalStrict([]byte(wrong), new(apps.Deployment)) == nil {
			t.Errorf("a misspelled %s is accepted", field)
		}
	}
}

func TestKustomizationNamesEveryFile(t *testing.T) {
	k := read[kustomization](t, "Kustomization", "kustomization.yaml")
	files, err := filepath.Glob(root + "deploy/kubernetes/*")
	if err != nil {
		t.Fatal(err)
	}
	known := append(slices.Clone(k.Resources), k.ConfigMapGenerator[0].Files...)
	known = append(known, "kustomization.yaml", "secret.example.yaml", "ingress.example.yaml") // the example must not overwrite the operator's Secret
	slices.Sort(known)
	var found []string
	for _, file := range files {
		found = append(found, filepath.Base(file))
	}
	if !slices.Equal(found, known) {
		t.Errorf("the directory contains %q, but the kustomization names %q", found, known)
	}
	if n := read[core.Namespace](t, "Namespace", "namespace.yaml"); n.Name != k.Namespace {
		t.Errorf("namespace.yaml has the name %s, but the kustomization %s", n.Name, k.Namespace)
	}
}

func TestTheIngressLeadsToTheService(t *testing.T) {
	ingress, service := read[networking.Ingress](t, "Ingress", "ingress.example.yaml"), read[core.Service](t, "Service", "service.yaml")
	rule := ingress.Spec.Rules[0]
	to := rule.HTTP.Paths[0].Backend.Service
	if to.Name != service.Name || to.Port.Name != service.Spec.Ports[0].Name {
		t.Errorf("it leads to %s, port %s", to.Name, to.Port.Name)
	}
	if !strings.Contains(text(t, "deploy/kubernetes/scanlogin.yaml"), "public_url: https://"+rule.Host+"\n") || !slices.Contains(ingress.Spec.TLS[0].Hosts, rule.Host) {
		t.Errorf("its host is %s, which is not that of public_url or of the certificate", rule.Host)
	}
	if seconds, _ := strconv.Atoi(ingress.Annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]); seconds < 60 {
		t.Errorf("connections are closed after %d s of silence", seconds)
	}
}

func TestImageMatchesDockerCompose(t *testing.T) {
	k := read[kustomization](t, "Kustomization", "kustomization.yaml")
	image := deployment(t).Spec.Template.Spec.Containers[0].Image
	if image != k.Images[0].Name+":"+k.Images[0].NewTag || !strings.Contains(text(t, "docker-compose.yml"), "image: "+image+"\n") {
		t.Errorf("image %s differs from docker-compose.yml or the kustomization's %v", image, k.Images)
	}
}

func TestPortsAndProbesMatchTheProgram(t *testing.T) {
	c, node := config(t), deployment(t).Spec.Template.Spec.Containers[0]
	ports := map[string]string{}
	for _, p := range node.Ports {
		ports[p.Name] = ":" + strconv.Itoa(int(p.ContainerPort))
	}
	if ports["http"] != c.Listen || ports["ops"] != c.OpsListen {
		t.Errorf("ports %v, but the program listens on %s and %s", ports, c.Listen, c.OpsListen)
	}
	for _, probe := range []*core.Probe{node.LivenessProbe, node.ReadinessProbe} {
		path, ops := probe.HTTPGet.Path, text(t, "server/ops.go")
		if probe.HTTPGet.Port.String() != "ops" || !strings.Contains(ops, `"GET `+path+`"`) {
			t.Errorf("a probe requests %v, which the ops listener does not serve", probe.HTTPGet)
		}
	}
	if node.LivenessProbe.HTTPGet.Path != "/livez" || node.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Error("a node without Redis would be restarted, or would receive requests")
	}
	service := read[core.Service](t, "Service", "service.yaml")
	if service.Spec.Ports[0].TargetPort.String() != "http" || service.Spec.SessionAffinity != "" {
		t.Errorf("the service has the wrong port or session affinity: %v", service.Spec)
	}
}

// After SIGTERM a node takes drain_delay and up to 10 s to shut down; 5 s more are in
// reserve. Meanwhile the endpoints must learn that the node is not ready.
func TestGracePeriodAllowsAnOrderlyShutdown(t *testing.T) {
	drain, pod := config(t).DrainDelay.Duration, deployment(t).Spec.Template.Spec
	if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; grace < drain+15*time.Second {
		t.Errorf("grace period %v is too short for a drain delay of %v", grace, drain)
	}
	probe := pod.Containers[0].ReadinessProbe
	if noticed := time.Duration(probe.PeriodSeconds*probe.FailureThreshold) * time.Second; drain <= noticed {
		t.Errorf("readiness is noticed within %v, but the listener closes after %v", noticed, drain)
	}
}

func TestSelectorsMatchThePods(t *testing.T) {
	d := deployment(t)
	labels := d.Spec.Template.Labels
	same := func(what string, selector map[string]string) {
		t.Helper()
		if len(selector) == 0 || !selects(selector, labels) {
			t.Errorf("%s selects %v, but pods have %v", what, selector, labels)
		}
	}
	same("the deployment", d.Spec.Selector.MatchLabels)
	same("the service", read[core.Service](t, "Service", "service.yaml").Spec.Selector)
	same("the budget", read[policy.PodDisruptionBudget](t, "PodDisruptionBudget", "disruption.yaml").Spec.Selector.MatchLabels)
	for _, spread := range d.Spec.Template.Spec.TopologySpreadConstraints {
		same(spread.TopologyKey, spread.LabelSelector.MatchLabels)
	}
	scaler := read[autoscaling.HorizontalPodAutoscaler](t, "HorizontalPodAutoscaler", "autoscaler.yaml").Spec
	if scaler.ScaleTargetRef.Name != d.Name || scaler.ScaleTargetRef.Kind != d.Kind || *scaler.MinReplicas < 2 || d.Spec.Replicas != nil {
		t.Errorf("the autoscaler: %+v", scaler)
	}
	if d.Spec.Template.Spec.Containers[0].Resources.Requests.Cpu().IsZero() {
		t.Error("the autoscaler needs a CPU request to compute utilization")
	}
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

func TestPodsAreRestricted(t *testing.T) {
	pod := deployment(t).Spec.Template.Spec
	node := pod.Containers[0].SecurityContext
	if !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault ||
		*node.AllowPrivilegeEscalation || !*node.ReadOnlyRootFilesystem || !slices.Equal(node.Capabilities.Drop, []core.Capability{"ALL"}) {
		t.Errorf("%+v, %+v", pod.SecurityContext, node)
	}
	if !strings.Contains(text(t, "Dockerfile"), "USER "+strconv.FormatInt(*pod.SecurityContext.RunAsUser, 10)+":") {
		t.Error("the user differs from the image's user")
	}
}

// The program accepts the configuration with secrets where the manifests mount them,
// and rejects the example's secrets.
func TestConfigurationIsAcceptedOnceTheSecretIsReplaced(t *testing.T) {
	secret := read[core.Secret](t, "Secret", "secret.example.yaml").StringData
	mount := deployment(t).Spec.Template.Spec.Containers[0].VolumeMounts[1].MountPath
	if out, err := checkConfig(t, mount, secret); err == nil || !strings.Contains(out, "redis_url") || !strings.Contains(out, "pools[0].secret") {
		t.Errorf("with the example's secrets: %v %s", err, out)
	}
	if len(secret) != 2 {
		t.Errorf("secrets %v", secret)
	}
	good := map[string]string{"redis-url": "redis://redis:6379/0", "pool-secret": "a secret of more than twenty-four bytes"}
	if out, err := checkConfig(t, mount, good); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func checkConfig(t *testing.T, mount string, secrets map[string]string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, value := range secrets {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	original := text(t, "deploy/kubernetes/scanlogin.yaml")
	moved := strings.ReplaceAll(original, "file:"+mount+"/", "file:"+dir+"/")
	if moved == original {
		t.Fatalf("the configuration refers to no file in %s", mount)
	}
	file := filepath.Join(dir, "scanlogin.yaml")
	if err := os.WriteFile(file, []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./cmd/scanlogin", "check-config", "--config", file)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
}
