// Lets client-go live through what a controller meets, and prints what it saw.
//
// Two candidates for a lease, informers with caches, a work queue, owner references and finalizers, apply, conflicts and retries,
// deletion of collections, in JSON and in protobuf. Every line is the same with every server that is right.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	applymeta "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/retry"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

const patience = 60 * time.Second

type probe struct {
	config    *rest.Config
	client    kubernetes.Interface
	namespace string
}

func main() {
	// What the libraries log depends on the order of goroutines.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{})
	namespace, _, err := loader.Namespace()
	check(err)
	for _, content := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		config, err := loader.ClientConfig()
		check(err)
		config.QPS, config.Burst = 500, 500
		fmt.Println("##", content)
		plain := rest.CopyConfig(config)
		config.ContentType = content
		config.AcceptContentTypes = content + ",application/json"
		client, err := kubernetes.NewForConfig(config)
		check(err)
		p := probe{config: plain, client: client, namespace: namespace}
		ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
		p.discovery()
		p.leaders(ctx)
		p.controller(ctx)
		p.applies(ctx)
		p.conflicts(ctx)
		p.quantities(ctx)
		p.pages(ctx)
		p.dynamics(ctx)
		p.collections(ctx)
		cancel()
	}
}

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func until(what string, reached func() bool) {
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, patience, true,
		func(context.Context) (bool, error) { return reached(), nil })
	if err != nil {
		fmt.Println("never:", what)
		os.Exit(1)
	}
}

func (p *probe) discovery() {
	resources, err := restmapper.GetAPIGroupResources(p.client.Discovery())
	check(err)
	mapping, err := restmapper.NewDiscoveryRESTMapper(resources).RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"})
	check(err)
	fmt.Println("deployments are", mapping.Resource.String(), mapping.Scope.Name())
	version, err := p.client.Discovery().ServerVersion()
	check(err)
	fmt.Println("server", version.Major, strings.TrimSuffix(version.Minor, "+"))
	models, err := p.client.Discovery().OpenAPISchema()
	check(err)
	fmt.Println("openapi", models.Swagger, len(models.Definitions.AdditionalProperties) > 100)
}

// leaders lets two candidates compete, ends the first, and sees the second lead.
func (p *probe) leaders(parent context.Context) {
	led := make(chan string, 8)
	run := func(ctx context.Context, identity string) {
		lock := &resourcelock.LeaseLock{
			LeaseMeta:  meta.ObjectMeta{Name: "leader", Namespace: p.namespace},
			Client:     p.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		}
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, ReleaseOnCancel: true,
			LeaseDuration: 4 * time.Second, RenewDeadline: 3 * time.Second, RetryPeriod: 500 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { led <- identity + " leads" },
				OnStoppedLeading: func() { led <- identity + " stopped" },
			},
		})
	}
	first, endFirst := context.WithCancel(parent)
	go run(first, "a")
	fmt.Println(<-led)
	second, endSecond := context.WithCancel(parent)
	go run(second, "b")
	// A candidate that ends while it renews cannot release the lease.
	renewed := func(identity string) {
		until("renewal by "+identity, func() bool {
			lease, err := p.client.CoordinationV1().Leases(p.namespace).Get(parent, "leader", meta.GetOptions{})
			return err == nil && lease.Spec.RenewTime.After(lease.Spec.AcquireTime.Time)
		})
	}
	renewed("a")
	endFirst()
	fmt.Println(<-led)
	fmt.Println(<-led)
	renewed("b")
	endSecond()
	fmt.Println(<-led)
	lease, err := p.client.CoordinationV1().Leases(p.namespace).Get(parent, "leader", meta.GetOptions{})
	check(err)
	fmt.Println("transitions", transitions(lease))
	check(p.client.CoordinationV1().Leases(p.namespace).Delete(parent, "leader", meta.DeleteOptions{}))
}

func transitions(lease *coordination.Lease) int32 {
	if lease.Spec.LeaseTransitions == nil {
		return -1
	}
	return *lease.Spec.LeaseTransitions
}

// controller copies ConfigMaps into Secrets that they own, and holds them by a finalizer until it has seen their end.
func (p *probe) controller(parent context.Context) {
	running, stop := context.WithCancel(parent)
	factory := informers.NewSharedInformerFactoryWithOptions(p.client, 0, informers.WithNamespace(p.namespace),
		informers.WithTweakListOptions(func(options *meta.ListOptions) { options.LabelSelector = "probe=yes" }))
	maps, secrets := factory.Core().V1().ConfigMaps(), factory.Core().V1().Secrets()
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	enqueue := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			queue.Add(key)
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: enqueue, DeleteFunc: enqueue, UpdateFunc: func(_, object any) { enqueue(object) },
	}
	_, err := maps.Informer().AddEventHandler(handler)
	check(err)
	_, err = secrets.Informer().AddEventHandler(handler)
	check(err)
	factory.Start(running.Done())
	for kind, synced := range factory.WaitForCacheSync(running.Done()) {
		if !synced {
			fmt.Println("never synced:", kind)
		}
	}
	fmt.Println("caches synced")
	go func() {
		for {
			key, down := queue.Get()
			if down {
				return
			}
			if err := p.reconcile(running, maps.Lister().ConfigMaps(p.namespace).Get, key); err != nil {
				queue.AddRateLimited(key)
			} else {
				queue.Forget(key)
			}
			queue.Done(key)
		}
	}()

	own := p.client.CoreV1().ConfigMaps(p.namespace)
	created, err := own.Create(parent, &core.ConfigMap{
		ObjectMeta: meta.ObjectMeta{Name: "source", Labels: map[string]string{"probe": "yes"}},
		Data:       map[string]string{"a": "1"},
	}, meta.CreateOptions{FieldValidation: "Strict"})
	check(err)
	fmt.Println("created", created.Name, created.Generation, len(created.UID), len(created.ManagedFields))
	secret := func(reached func(*core.Secret) bool) func() bool {
		return func() bool {
			found, err := secrets.Lister().Secrets(p.namespace).Get("source")
			return err == nil && reached(found)
		}
	}
	until("copy", secret(func(found *core.Secret) bool { return string(found.Data["a"]) == "1" }))
	check(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		latest, err := own.Get(parent, "source", meta.GetOptions{})
		if err != nil {
			return err
		}
		latest.Data["a"] = "2"
		_, err = own.Update(parent, latest, meta.UpdateOptions{})
		return err
	}))
	until("change", secret(func(found *core.Secret) bool { return string(found.Data["a"]) == "2" }))
	check(p.client.CoreV1().Secrets(p.namespace).Delete(parent, "source", meta.DeleteOptions{}))
	until("copy again", secret(func(found *core.Secret) bool { return found.DeletionTimestamp == nil && string(found.Data["a"]) == "2" }))
	check(own.Delete(parent, "source", meta.DeleteOptions{}))
	until("end", func() bool {
		_, mapError := own.Get(parent, "source", meta.GetOptions{})
		_, secretError := p.client.CoreV1().Secrets(p.namespace).Get(parent, "source", meta.GetOptions{})
		return errors.IsNotFound(mapError) && errors.IsNotFound(secretError)
	})
	fmt.Println("source, copy and finalizer are gone")
	stop()
	queue.ShutDown()
	factory.Shutdown()
}

const finalizer = "probe.example.com/copy"

func (p *probe) reconcile(ctx context.Context, get func(string) (*core.ConfigMap, error), key string) error {
	_, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return nil
	}
	source, err := get(name)
	if errors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	maps, secrets := p.client.CoreV1().ConfigMaps(p.namespace), p.client.CoreV1().Secrets(p.namespace)
	if source.DeletionTimestamp != nil {
		if len(source.Finalizers) == 0 {
			return nil
		}
		err := secrets.Delete(ctx, name, meta.DeleteOptions{})
		if err != nil && !errors.IsNotFound(err) {
			return err
		}
		_, err = maps.Patch(ctx, name, types.JSONPatchType, []byte(`[{"op":"remove","path":"/metadata/finalizers"}]`), meta.PatchOptions{})
		return err
	}
	if len(source.Finalizers) == 0 {
		changed := source.DeepCopy()
		changed.Finalizers = []string{finalizer}
		if source, err = maps.Update(ctx, changed, meta.UpdateOptions{}); err != nil {
			return err
		}
	}
	owner := applymeta.OwnerReference().WithAPIVersion("v1").WithKind("ConfigMap").WithName(name).WithUID(source.UID).WithController(true)
	copied := applycore.Secret(name, p.namespace).WithLabels(map[string]string{"probe": "yes"}).WithOwnerReferences(owner).WithStringData(source.Data)
	_, err = secrets.Apply(ctx, copied, meta.ApplyOptions{FieldManager: "probe", Force: true})
	return err
}

func (p *probe) applies(ctx context.Context) {
	pods := p.client.CoreV1().Pods(p.namespace)
	wanted := applycore.Pod("applied", p.namespace).WithSpec(applycore.PodSpec().
		WithContainers(applycore.Container().WithName("c").WithImage("a:1")))
	pod, err := pods.Apply(ctx, wanted, meta.ApplyOptions{FieldManager: "probe"})
	check(err)
	fmt.Println("applied", pod.Spec.Containers[0].ImagePullPolicy, pod.Status.Phase, pod.Status.QOSClass, len(pod.ManagedFields))
	extracted, err := applycore.ExtractPod(pod, "probe")
	check(err)
	fmt.Println("extracted", *extracted.Spec.Containers[0].Name, extracted.Spec.RestartPolicy == nil)
	status := applycore.Pod("applied", p.namespace).WithStatus(applycore.PodStatus().WithPhase(core.PodRunning))
	pod, err = pods.ApplyStatus(ctx, status, meta.ApplyOptions{FieldManager: "kubelet"})
	check(err)
	fmt.Println("status", pod.Status.Phase, pod.ManagedFields[0].Subresource+pod.ManagedFields[1].Subresource)
	other := applycore.Pod("applied", p.namespace).WithSpec(applycore.PodSpec().
		WithContainers(applycore.Container().WithName("c").WithImage("a:2")))
	_, err = pods.Apply(ctx, other, meta.ApplyOptions{FieldManager: "other"})
	fmt.Println("conflict", errors.IsConflict(err), err)
	zero := int64(0)
	check(pods.Delete(ctx, "applied", meta.DeleteOptions{GracePeriodSeconds: &zero}))
}

func (p *probe) conflicts(ctx context.Context) {
	maps := p.client.CoreV1().ConfigMaps(p.namespace)
	first, err := maps.Create(ctx, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{GenerateName: "made-"}}, meta.CreateOptions{})
	check(err)
	fmt.Println("generated", strings.HasPrefix(first.Name, "made-"), len(first.Name))
	stale := first.DeepCopy()
	first.Data = map[string]string{"a": "1"}
	_, err = maps.Update(ctx, first, meta.UpdateOptions{})
	check(err)
	stale.Data = map[string]string{"a": "2"}
	_, err = maps.Update(ctx, stale, meta.UpdateOptions{})
	fmt.Println("stale", errors.IsConflict(err))
	_, err = maps.Create(ctx, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: stale.Name}}, meta.CreateOptions{})
	fmt.Println("twice", errors.IsAlreadyExists(err))
	_, err = maps.Create(ctx, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "No_Name"}}, meta.CreateOptions{})
	fmt.Println("invalid", errors.IsInvalid(err), err)
	other := types.UID("other")
	err = maps.Delete(ctx, stale.Name, meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &other}})
	fmt.Println("precondition", errors.IsConflict(err))
	check(maps.Delete(ctx, stale.Name, meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &stale.UID}}))
	_, err = maps.Get(ctx, stale.Name, meta.GetOptions{})
	fmt.Println("gone", errors.IsNotFound(err), errors.ReasonForError(err))
}

// quantities keeps what has forms of its own on the wire.
func (p *probe) quantities(ctx context.Context) {
	pods := p.client.CoreV1().Pods(p.namespace)
	pod, err := pods.Create(ctx, &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "sized"},
		Spec: core.PodSpec{Containers: []core.Container{{Name: "c", Image: "a", Resources: core.ResourceRequirements{
			Requests: core.ResourceList{core.ResourceCPU: resource.MustParse("0.5"), core.ResourceMemory: resource.MustParse("1.5Gi")},
		}}}},
	}, meta.CreateOptions{})
	check(err)
	requests := pod.Spec.Containers[0].Resources.Requests
	fmt.Println("requests", requests.Cpu(), requests.Memory(), pod.CreationTimestamp.Location() != nil, time.Since(pod.CreationTimestamp.Time) < time.Hour)
	err = pods.EvictV1(ctx, evictionOf("sized"))
	fmt.Println("evicted", err)
	_, err = pods.Get(ctx, "sized", meta.GetOptions{})
	fmt.Println("after eviction", errors.IsNotFound(err))
}

func (p *probe) pages(parent context.Context) {
	maps := p.client.CoreV1().ConfigMaps(p.namespace)
	for _, name := range []string{"page-1", "page-2", "page-3", "page-4", "page-5"} {
		_, err := maps.Create(parent, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: name, Labels: map[string]string{"paged": "yes"}}}, meta.CreateOptions{})
		check(err)
	}
	calls := 0
	lister := pager.New(pager.SimplePageFunc(func(options meta.ListOptions) (object runtimeObject, err error) {
		calls++
		return maps.List(parent, options)
	}))
	lister.PageSize = 2
	var names []string
	check(lister.EachListItem(parent, meta.ListOptions{LabelSelector: "paged"}, func(object runtimeObject) error {
		names = append(names, object.(*core.ConfigMap).Name)
		return nil
	}))
	fmt.Println("pages", calls, names)
	only, err := metadata.NewForConfigOrDie(p.config).Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).
		Namespace(p.namespace).List(parent, meta.ListOptions{LabelSelector: "paged=yes"})
	check(err)
	fmt.Println("metadata", only.Kind, len(only.Items), only.Items[0].Kind, only.Items[0].Name)
	_, err = maps.List(parent, meta.ListOptions{Continue: "nonsense"})
	fmt.Println("bad token", errors.IsBadRequest(err))
}

func (p *probe) dynamics(parent context.Context) {
	client := dynamic.NewForConfigOrDie(p.config)
	deployments := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	running, stop := context.WithCancel(parent)
	defer stop()
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, p.namespace, nil)
	informer := factory.ForResource(deployments)
	informer.Informer()
	factory.Start(running.Done())
	factory.WaitForCacheSync(running.Done())
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "dynamic"},
		"spec": map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"a": "b"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"a": "b"}},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i"}}},
			},
		},
	}}
	_, err := client.Resource(deployments).Namespace(p.namespace).Create(parent, object, meta.CreateOptions{})
	check(err)
	until("dynamic cache", func() bool {
		_, err := informer.Lister().ByNamespace(p.namespace).Get("dynamic")
		return err == nil
	})
	scale, err := p.client.AppsV1().Deployments(p.namespace).GetScale(parent, "dynamic", meta.GetOptions{})
	check(err)
	scale.Spec.Replicas = 4
	scale, err = p.client.AppsV1().Deployments(p.namespace).UpdateScale(parent, "dynamic", scale, meta.UpdateOptions{})
	check(err)
	fmt.Println("scaled", scale.Spec.Replicas, scale.Status.Selector)
	until("generation", func() bool {
		found, err := informer.Lister().ByNamespace(p.namespace).Get("dynamic")
		return err == nil && found.(*unstructured.Unstructured).GetGeneration() == 2
	})
	check(client.Resource(deployments).Namespace(p.namespace).Delete(parent, "dynamic", meta.DeleteOptions{}))
}

func (p *probe) collections(ctx context.Context) {
	maps := p.client.CoreV1().ConfigMaps(p.namespace)
	check(maps.DeleteCollection(ctx, meta.DeleteOptions{}, meta.ListOptions{LabelSelector: "paged"}))
	left, err := maps.List(ctx, meta.ListOptions{})
	check(err)
	var names []string
	for _, found := range left.Items {
		names = append(names, found.Name)
	}
	sort.Strings(names)
	fmt.Println("left", names)
}
