package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// A fault is planted into a file, and must be found.
type fault struct{ old, new, says string }

// examine checks a file, and the same with each of the faults.
func examine(t *testing.T, path string, check func(text string) error, faults ...fault) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(string(data)); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for _, f := range faults {
		broken := strings.Replace(string(data), f.old, f.new, 1)
		if broken == string(data) {
			t.Errorf("%s: there is no %q", path, f.old)
		} else if err := check(broken); err == nil || !strings.Contains(err.Error(), f.says) {
			t.Errorf("%s: with %q for %q it says %v, and not %q", path, f.new, f.old, err, f.says)
		}
	}
}

// meta is what all objects have.
type meta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
}

// objects decodes the documents of a file, each strictly, into the type of its kind.
func objects(text string, types map[string]any) (map[string]any, error) {
	all := map[string]any{}
	for _, doc := range strings.Split(text, "\n---\n") {
		var m meta
		if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			return nil, err
		}
		kind := m.APIVersion + " " + m.Kind
		prototype, ok := types[kind]
		if !ok || m.Metadata.Name == "" {
			return nil, fmt.Errorf("%q is no kind that is wanted here, or has no name", kind)
		}
		object := reflect.New(reflect.TypeOf(prototype)).Interface()
		if err := yaml.UnmarshalStrict([]byte(doc), object); err != nil {
			return nil, err
		}
		all[m.Kind] = object
	}
	if len(all) != len(types) {
		return nil, fmt.Errorf("%d kinds of objects, and not %d", len(all), len(types))
	}
	return all, nil
}

// hardened checks what every container has to be.
func hardened(c *core.Container, pod *core.PodSecurityContext) error {
	s := c.SecurityContext
	root := s == nil || (s.RunAsNonRoot == nil || !*s.RunAsNonRoot) && (pod == nil || pod.RunAsNonRoot == nil || !*pod.RunAsNonRoot)
	switch {
	case root:
		return fmt.Errorf("container %s may be root", c.Name)
	case s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation, s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem,
		s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL"):
		return fmt.Errorf("container %s may do more than it needs", c.Name)
	case c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero():
		return fmt.Errorf("container %s has no resources", c.Name)
	case c.Resources.Requests.Memory().Cmp(*c.Resources.Limits.Memory()) > 0 || c.Resources.Requests.Cpu().Cmp(*c.Resources.Limits.Cpu()) > 0:
		return fmt.Errorf("container %s asks for more than its limits", c.Name)
	}
	return nil
}

// probes checks that a server's probes ask what it answers.
func probes(c *core.Container) error {
	for _, p := range []struct {
		probe *core.Probe
		path  string
	}{{c.ReadinessProbe, "/v2/health/ready"}, {c.LivenessProbe, "/v2/health/live"}} {
		if p.probe == nil || p.probe.HTTPGet == nil || p.probe.HTTPGet.Path != p.path {
			return fmt.Errorf("no probe of %s", p.path)
		}
		port := p.probe.HTTPGet.Port
		if !slices.ContainsFunc(c.Ports, func(q core.ContainerPort) bool { return q.Name == port.StrVal || q.ContainerPort == port.IntVal }) {
			return fmt.Errorf("a probe of port %s, which the container has not", port.String())
		}
	}
	return nil
}

func checkServer(text string) error {
	all, err := objects(text, map[string]any{
		"apps/v1 Deployment": apps.Deployment{}, "v1 Service": core.Service{},
		"autoscaling/v2 HorizontalPodAutoscaler": autoscaling.HorizontalPodAutoscaler{}, "policy/v1 PodDisruptionBudget": policy.PodDisruptionBudget{},
	})
	if err != nil {
		return err
	}
	d, s := all["Deployment"].(*apps.Deployment), all["Service"].(*core.Service)
	pod := d.Spec.Template
	labels := pod.Labels
	for what, selector := range map[string]map[string]string{
		"Deployment": d.Spec.Selector.MatchLabels, "Service": s.Spec.Selector,
		"PodDisruptionBudget": all["PodDisruptionBudget"].(*policy.PodDisruptionBudget).Spec.Selector.MatchLabels,
	} {
		for k, v := range selector {
			if labels[k] != v {
				return fmt.Errorf("the %s selects other pods", what)
			}
		}
		if len(selector) == 0 {
			return fmt.Errorf("the %s selects everything", what)
		}
	}
	if to := all["HorizontalPodAutoscaler"].(*autoscaling.HorizontalPodAutoscaler).Spec.ScaleTargetRef; to.Name != d.Name || to.Kind != "Deployment" {
		return fmt.Errorf("the HorizontalPodAutoscaler scales %s", to.Name)
	}
	c := &pod.Spec.Containers[0]
	for _, p := range s.Spec.Ports {
		if !slices.ContainsFunc(c.Ports, func(q core.ContainerPort) bool { return q.Name == p.TargetPort.StrVal }) {
			return fmt.Errorf("the Service leads to port %s", p.TargetPort.String())
		}
	}
	if grace := pod.Spec.TerminationGracePeriodSeconds; grace == nil || *grace < 35 {
		return fmt.Errorf("less time to end than to drain, 5 s, and to finish, 30 s")
	}
	if err := hardened(c, pod.Spec.SecurityContext); err != nil {
		return err
	}
	return probes(c)
}

func TestServer(t *testing.T) {
	examine(t, "kubernetes/server.yaml", checkServer,
		fault{"readinessProbe:", "readinesProbe:", "readinesProbe"},
		fault{"containerPort: 8080", "containerPort: http", "cannot unmarshal"},
		fault{"selector: {app.kubernetes.io/name: infer}", "selector: {app.kubernetes.io/name: other}", "Service selects other pods"},
		fault{"targetPort: http", "targetPort: web", "leads to port web"},
		fault{"path: /v2/health/live", "path: /healthz", "/v2/health/live"},
		fault{"kind: Deployment, name: infer", "kind: Deployment, name: x", "scales x"},
		fault{"runAsNonRoot: true", "runAsNonRoot: false", "root"},
		fault{"memory: 256Mi", "memory: 256Gi", "more than its limits"},
		fault{"terminationGracePeriodSeconds: 40", "terminationGracePeriodSeconds: 10", "less time"},
		fault{"apiVersion: autoscaling/v2", "apiVersion: autoscaling/v2beta2", "no kind"})
}

func checkJob(text string) error {
	all, err := objects(text, map[string]any{"batch/v1 Job": batch.Job{}})
	if err != nil {
		return err
	}
	spec := all["Job"].(*batch.Job).Spec
	c := &spec.Template.Spec.Containers[0]
	switch {
	case spec.CompletionMode == nil || *spec.CompletionMode != batch.IndexedCompletion || spec.Completions == nil:
		return fmt.Errorf("the job is not indexed")
	case spec.BackoffLimitPerIndex == nil || spec.BackoffLimit != nil:
		return fmt.Errorf("the job does not count failures by index")
	case spec.Template.Spec.RestartPolicy != core.RestartPolicyNever:
		return fmt.Errorf("failures by index are counted of pods that are not restarted")
	}
	shard := slices.Index(c.Args, "--shard")
	if c.Args[0] != "score" || shard < 0 || c.Args[shard+1] != fmt.Sprintf("$(JOB_COMPLETION_INDEX)/%d", *spec.Completions) {
		return fmt.Errorf("the shards are not those of the completions")
	}
	if out := slices.Index(c.Args, "--output"); out < 0 || !strings.Contains(c.Args[out+1], "$(JOB_COMPLETION_INDEX)") {
		return fmt.Errorf("all shards write one file")
	}
	return hardened(c, spec.Template.Spec.SecurityContext)
}

func TestJob(t *testing.T) {
	examine(t, "kubernetes/score.yaml", checkJob,
		fault{"backoffLimitPerIndex: 3", "backoffLimitPerIndx: 3", "backoffLimitPerIndx"},
		fault{"completionMode: Indexed", "completionMode: NonIndexed", "not indexed"},
		fault{"completions: 100", "completions: 99", "not those of the completions"},
		fault{"restartPolicy: Never", "restartPolicy: OnFailure", "not restarted"},
		fault{"part-$(JOB_COMPLETION_INDEX)", "part", "one file"})
}

// A servingRuntime has the fields of KServe's ClusterServingRuntime that are used
// here, by its definition in serving.kserve.io/v1alpha1. KServe's own types would
// bring Knative and a controller's libraries with them; what is Kubernetes' in it
// is decoded into the types of Kubernetes.
type servingRuntime struct {
	meta `json:",inline"`
	Spec struct {
		Annotations           map[string]string `json:"annotations"`
		SupportedModelFormats []struct {
			Name       string `json:"name"`
			Version    string `json:"version"`
			AutoSelect bool   `json:"autoSelect"`
			Priority   int32  `json:"priority"`
		} `json:"supportedModelFormats"`
		ProtocolVersions []string         `json:"protocolVersions"`
		Containers       []core.Container `json:"containers"`
	} `json:"spec"`
}

func checkRuntime(text string) error {
	all, err := objects(text, map[string]any{"serving.kserve.io/v1alpha1 ClusterServingRuntime": servingRuntime{}})
	if err != nil {
		return err
	}
	spec := &all["ClusterServingRuntime"].(*servingRuntime).Spec
	if len(spec.Containers) != 1 || spec.Containers[0].Name != "kserve-container" {
		return fmt.Errorf("KServe looks for the container kserve-container")
	}
	c := &spec.Containers[0]
	switch {
	case len(spec.SupportedModelFormats) != 1 || spec.SupportedModelFormats[0].Name != "frz" || !slices.Equal(spec.ProtocolVersions, []string{"v2", "grpc-v2"}):
		return fmt.Errorf("the formats or protocols are others")
	case !strings.HasPrefix(c.Ports[0].Name, "h2c"):
		return fmt.Errorf("the port of gRPC is not called h2c")
	case !slices.Contains(c.Args, ":"+spec.Annotations["prometheus.kserve.io/port"]):
		return fmt.Errorf("metrics are looked for at another port")
	}
	if err := hardened(c, nil); err != nil {
		return err
	}
	return probes(c)
}

// An inferenceService is likewise of serving.kserve.io/v1beta1.
type inferenceService struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Predictor struct {
			MinReplicas *int32 `json:"minReplicas"`
			MaxReplicas int32  `json:"maxReplicas"`
			ScaleMetric string `json:"scaleMetric"`
			ScaleTarget *int32 `json:"scaleTarget"`
			Model       struct {
				Runtime     string `json:"runtime"`
				ModelFormat struct {
					Name    string `json:"name"`
					Version string `json:"version"`
				} `json:"modelFormat"`
				ProtocolVersion string `json:"protocolVersion"`
				StorageURI      string `json:"storageUri"`
			} `json:"model"`
		} `json:"predictor"`
	} `json:"spec"`
}

func checkService(text string) error {
	all, err := objects(text, map[string]any{"serving.kserve.io/v1beta1 InferenceService": inferenceService{}})
	if err != nil {
		return err
	}
	s := all["InferenceService"].(*inferenceService)
	p := s.Spec.Predictor
	switch mode := s.Metadata.Annotations["serving.kserve.io/deploymentMode"]; {
	case mode != "Standard" && mode != "Knative":
		return fmt.Errorf("no deployment mode %q", mode)
	case p.MinReplicas == nil || *p.MinReplicas > p.MaxReplicas:
		return fmt.Errorf("fewer replicas at most than at least")
	case !slices.Contains([]string{"cpu", "memory", "concurrency", "rps"}, p.ScaleMetric):
		return fmt.Errorf("no metric %q", p.ScaleMetric)
	case p.Model.ModelFormat.Name != "frz" || p.Model.Runtime != "infer" || p.Model.StorageURI == "":
		return fmt.Errorf("another model")
	}
	return nil
}

func TestKServe(t *testing.T) {
	examine(t, "kserve/runtime.yaml", checkRuntime,
		fault{"autoSelect", "autoselected", "autoselected"},
		fault{"kserve-container", "infer", "kserve-container"},
		fault{"name: h2c", "name: http", "h2c"},
		fault{`port: "9091"`, `port: "9090"`, "another port"},
		fault{"periodSeconds: 2", "periodSecond: 2", "periodSecond"},
		fault{"runAsNonRoot: true", "runAsNonRoot: false", "root"})
	examine(t, "kserve/service.yaml", checkService,
		fault{"storageUri:", "storageUrl:", "storageUrl"},
		fault{"scaleMetric: cpu", "scaleMetric: cpus", "cpus"},
		fault{"minReplicas: 1", "minReplicas: 11", "replicas"},
		fault{"Standard", "Standart", "mode"})
}

func checkDockerfile(text string) error {
	var stage []string // the last one
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "FROM ") {
			stage = nil
		}
		if line != "" && !strings.HasPrefix(line, "#") {
			stage = append(stage, line)
		}
	}
	for _, want := range []string{"FROM scratch", "COPY --from=build /infer /infer", "USER 65532:65532", `ENTRYPOINT ["/infer"]`, `CMD ["serve"]`} {
		if !slices.Contains(stage, want) {
			return fmt.Errorf("the image lacks %s", want)
		}
	}
	if !strings.Contains(text, "CGO_ENABLED=0") {
		return fmt.Errorf("the program is not static")
	}
	return nil
}

func TestDockerfile(t *testing.T) {
	examine(t, "Dockerfile", checkDockerfile,
		fault{"FROM scratch", "FROM debian", "FROM scratch"},
		fault{"USER 65532:65532", "USER root", "USER"},
		fault{`ENTRYPOINT ["/infer"]`, "ENTRYPOINT /infer", "ENTRYPOINT"},
		fault{"CGO_ENABLED=0", "CGO_ENABLED=1", "static"})
}

// tool is a program that must be there with CI=true.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

// TestUnit lets systemd look at the unit, and say how exposed it leaves the machine.
func TestUnit(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	examine(t, "systemd/infer.service", func(text string) error {
		file := filepath.Join(t.TempDir(), "infer.service")
		text = strings.ReplaceAll(text, "/usr/local/bin/infer", "/bin/true")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		if out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || bytes.Contains(out, []byte("infer.service")) {
			return fmt.Errorf("systemd-analyze verify: %v, %s", err, out)
		}
		if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=15", file).CombinedOutput(); err != nil {
			return fmt.Errorf("systemd-analyze security: %v, %s", err, out[max(0, len(out)-200):])
		}
		if !strings.Contains(text, "\nType=notify\n") {
			return fmt.Errorf("systemd does not wait until it is ready")
		}
		return nil
	},
		fault{"ProtectSystem=strict", "ProtectSytem=strict", "verify"},
		fault{"Type=notify", "Type=notifi", "verify"},
		fault{"Type=notify", "Type=simple", "ready"},
		fault{"DynamicUser=yes", "", "security"},
		fault{"SystemCallFilter=@system-service\n", "", "security"})
}

// metricNames are those that serve/metrics writes.
func metricNames(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../serve/metrics/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\b(?:infer|go)_[a-z_]+\b`).FindAllString(string(source), -1)
}

// unknown is the first metric in a query that the server has not.
func unknown(query string, names []string) string {
	for _, name := range regexp.MustCompile(`\b(?:infer|go)_[a-z_]+\b`).FindAllString(query, -1) {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if !slices.Contains(names, name) && !slices.Contains(names, base) {
			return name
		}
	}
	return ""
}

func TestAlerts(t *testing.T) {
	promtool, names := tool(t, "promtool"), metricNames(t)
	tests, err := os.ReadFile("monitoring/alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	examine(t, "monitoring/alerts.yaml", func(text string) error {
		dir := t.TempDir()
		rules, cases := filepath.Join(dir, "alerts.yaml"), filepath.Join(dir, "alerts_test.yaml")
		if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(cases, tests, 0o600); err != nil {
			return err
		}
		if name := unknown(text, names); name != "" {
			return fmt.Errorf("nobody has the metric %s", name)
		}
		for _, args := range [][]string{{"check", "rules", rules}, {"test", "rules", cases}} {
			if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
				return fmt.Errorf("promtool %s: %s", args[0], out)
			}
		}
		return nil
	},
		fault{"[5m])))", "[5m]))", "promtool check"},
		fault{"for: 5m", "fro: 5m", "promtool check"},
		fault{"infer_model_ready ==", "infer_models_ready ==", "infer_models_ready"},
		fault{"> 0.01", "> 0.5", "promtool test"})
}

func TestDashboard(t *testing.T) {
	promtool, names := tool(t, "promtool"), metricNames(t)
	examine(t, "monitoring/dashboard.json", func(text string) error {
		var d struct {
			UID, Title string
			Panels     []struct {
				ID      int
				Type    string
				Title   string
				GridPos struct{ H, W, X, Y int }
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return err
		}
		rules := "groups:\n- name: x\n  rules:\n"
		seen := map[[2]int]bool{}
		for _, p := range d.Panels {
			place := [2]int{p.GridPos.X, p.GridPos.Y}
			if seen[place] || p.GridPos.X+p.GridPos.W > 24 || p.Title == "" || len(p.Targets) == 0 {
				return fmt.Errorf("panel %d is not in its place", p.ID)
			}
			seen[place] = true
			for _, q := range p.Targets {
				if name := unknown(q.Expr, names); name != "" {
					return fmt.Errorf("nobody has the metric %s", name)
				}
				rules += fmt.Sprintf("  - {record: x, labels: {n: '%d'}, expr: %q}\n", strings.Count(rules, "record"), strings.NewReplacer("$__rate_interval", "1m", "$model", ".*").Replace(q.Expr))
			}
		}
		file := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
			return err
		}
		if out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput(); err != nil {
			return fmt.Errorf("promtool: %s", out)
		}
		return nil
	},
		fault{"infer_queue_length", "infer_queue_lenght", "infer_queue_lenght"},
		fault{"[$__rate_interval]", "[$__rate_interval", "promtool"},
		fault{`"x": 12`, `"x": 0`, "place"},
		fault{`"panels": [`, `"panels": {`, "invalid character"})
}
