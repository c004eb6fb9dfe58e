//! What people read.

use indoc::indoc;
use serde_json::{Value, json};

use crate::scheduling::testing::{TestCase, TestCluster, aggregated, case, cluster, dynamic, weighted};

fn check(case: &TestCase, expected: &str) {
    let text = case.explain(|explanation| {
        let clusters: Vec<String> = explanation.clusters().map(|cluster| cluster.to_string()).collect();
        format!("{explanation}\n\n{}\n", clusters.join("\n"))
    });
    assert_eq!(text, expected, "\n{text}");
}

fn with(mut cluster: TestCluster, path: &str, value: Value) -> TestCluster {
    cluster.set(path, value);
    cluster
}

#[test]
fn shows_the_arithmetic_of_a_division_by_room() {
    let case = case([cluster("a", 12), cluster("b", 12), cluster("c", 3)], 11, dynamic()).held(&[("c", 1)]);
    check(
        &case,
        indoc! {"
            11 replicas in 3 of 3 clusters

            a: 5 replicas
              room for 12 more replicas; the limit is its number of pods: 12 more pods allowed
              weight 12 of 27 (its room): 4.44 of 10 replicas, rounded up to 5: of equal claims the first name wins for this workload
            b: 4 replicas
              room for 12 more replicas; the limit is its number of pods: 12 more pods allowed
              weight 12 of 27 (its room): 4.44 of 10 replicas, rounded down to 4: of equal claims the first name wins for this workload
            c: 2 replicas, before 1
              room for 3 more replicas; the limit is its number of pods: 3 more pods allowed
              score 100 by ClusterLocality: it runs the workload already
              it keeps 1; weight 3 of 27 (its room): 1.11 of 10 new replicas, rounded down to 1
        "},
    );
}

#[test]
fn says_everything_that_has_to_change_for_a_refused_cluster() {
    let tainted = with(
        with(
            cluster("a", 5),
            "/spec/taints",
            json!([
                {"key": "gpu", "effect": "NoSchedule"}, {"key": "team", "value": "ml", "effect": "NoExecute"},
            ]),
        ),
        "/metadata/labels",
        json!({"env": "dev"}),
    );
    let older = with(
        cluster("b", 5),
        "/status/apiEnablements",
        json!([{"groupVersion": "apps/v1beta1", "resources": [{"name": "d", "kind": "Deployment"}]}]),
    );
    let placement = json!({
        "clusterAffinity": {"labelSelector": {"matchLabels": {"env": "prod"}}},
        "spreadConstraints": [{"spreadByField": "region", "minGroups": 1, "maxGroups": 1}],
    });
    check(
        &case(
            [tainted, with(older, "/metadata/labels", json!({"env": "prod"})).in_region("eu")],
            1,
            placement,
        ),
        indoc! {"
            not placed: 0/2 clusters are available: 1 cluster(s) did not have the API resource, 1 cluster(s) had untolerated taint {gpu:NoSchedule}.
            2 clusters refused: 1 by APIEnablement, 1 by TaintToleration, 1 by ClusterAffinity, 1 by SpreadConstraint
            to change that: only APIEnablement keeps out b

            a: refused by TaintToleration, ClusterAffinity, SpreadConstraint
              TaintToleration: its taint gpu:NoSchedule is not tolerated
                to change that: add {key: gpu, operator: Exists, effect: NoSchedule} to the placement's clusterTolerations, or remove the taint
              TaintToleration: its taint team=ml:NoExecute is not tolerated
                to change that: add {key: team, operator: Equal, value: ml, effect: NoExecute} to the placement's clusterTolerations, or remove the taint
              ClusterAffinity: its label env is dev; the placement wants prod
                to change that: give the cluster a matching label env, or change the placement's labelSelector
              SpreadConstraint: its region is not known, and the placement spreads by it
                to change that: set spec.region of the cluster
            b: refused by APIEnablement
              APIEnablement: it does not serve Deployment in apps/v1, only in apps/v1beta1
                to change that: propagate the resource in a version that it serves, or have it serve apps/v1
        "},
    );
}

#[test]
fn says_why_others_were_chosen() {
    let mut placement = dynamic();
    placement["spreadConstraints"] = json!([{"spreadByField": "cluster", "minGroups": 1, "maxGroups": 1}]);
    let case = case([cluster("a", 5), cluster("b", 9)], 3, placement);
    check(
        &case,
        indoc! {"
            3 replicas in 1 of 2 clusters
            at most 1 cluster of 2 that fit

            a: fits, but others were chosen
              room for 5 more replicas; the limit is its number of pods: 5 more pods allowed
              only 1 cluster may be used, and those that were chosen have more room
                to change that: raise maxGroups of the cluster constraint above 1
            b: 3 replicas
              room for 9 more replicas; the limit is its number of pods: 9 more pods allowed
              weight 9 of 9 (its room): 3 of 3 replicas
        "},
    );
}

#[test]
fn says_which_region_was_better() {
    let mut placement = dynamic();
    placement["spreadConstraints"] = json!([{"spreadByField": "region", "minGroups": 1, "maxGroups": 1}]);
    let clusters =
        [cluster("a", 5).in_region("eu"), cluster("b", 9).in_region("us"), cluster("c", 8).in_region("us")];
    check(
        &case(clusters, 8, placement),
        indoc! {"
            8 replicas in 1 of 3 clusters
            regions: us (chosen, score 8000, 2 clusters), eu (score 5000, 1 cluster)

            a: fits, but others were chosen
              room for 5 more replicas; the limit is its number of pods: 5 more pods allowed
              its region eu (score 5000) was not chosen; chosen: us (score 8000)
                to change that: make more room in the region, name it in the affinity, or raise minGroups or maxGroups (now 1) of the region constraint
            b: 8 replicas
              room for 9 more replicas; the limit is its number of pods: 9 more pods allowed
              weight 9 of 9 (its room): 8 of 8 replicas
            c: fits, but others were chosen
              room for 8 more replicas; the limit is its number of pods: 8 more pods allowed
              each region gives one cluster, its best one, as there is no cluster constraint
                to change that: add a spread constraint by cluster with the maxGroups that you want
        "},
    );
}

#[test]
fn says_who_was_not_needed() {
    check(
        &case([cluster("a", 5), cluster("b", 9)], 8, aggregated()),
        indoc! {"
            8 replicas in 1 of 2 clusters

            a: chosen, but no replica was left for it
              room for 5 more replicas; the limit is its number of pods: 5 more pods allowed
              it is not needed: clusters before it have room for the 8 replicas to place
            b: 8 replicas
              room for 9 more replicas; the limit is its number of pods: 9 more pods allowed
              weight 9 of 9 (its room): 8 of 8 replicas
        "},
    );
}

#[test]
fn says_how_much_is_missing_and_what_the_limit_is() {
    let mut case = case(
        [
            with(
                cluster("a", 50),
                "/status/resourceSummary/allocatable",
                json!({
                    "cpu": "4", "memory": "1Gi", "pods": "50",
                }),
            ),
            with(cluster("b", 9), "/status/resourceSummary", Value::Null),
        ],
        8,
        dynamic(),
    );
    case.spec["replicaRequirements"] = json!({"resourceRequest": {"cpu": "500m", "memory": "256Mi"}});
    check(
        &case,
        indoc! {"
            not placed: failed to assign replicas: failed to scale up: Clusters available replicas 4 are not enough to schedule.
            to change that: 8 replicas to place and room for 4: 4 too many; free some room, add clusters, or ask for less

            a: fits, but the workload as a whole could not be placed
              room for 4 more replicas; the limit is memory: 1Gi free, 256Mi each
            b: fits, but the workload as a whole could not be placed
              no room; the cluster has not reported its resources
        "},
    );
}

#[test]
fn says_which_weights_count() {
    let weights = json!({"staticWeightList": [{"targetCluster": {"clusterNames": ["a"]}, "weight": 2}]});
    let case = case([cluster("a", 1), cluster("b", 1)], 3, weighted(weights));
    let share =
        |name| case.explain(|explanation| explanation.cluster(name).unwrap().share.unwrap().to_string());
    assert_eq!(share("a"), "weight 2 of 2 (the weight of staticWeightList): 3 of 3 replicas");
    assert_eq!(share("b"), "no rule of staticWeightList selects it");
}

#[test]
fn an_explanation_is_data_too() {
    let case = case([cluster("a", 4)], 3, json!({}));
    let data = case.explain(|explanation| serde_json::to_value(explanation.cluster("a").unwrap()).unwrap());
    assert_eq!(
        data,
        json!({
            "cluster": "a", "outcome": "placed", "replicas": 3, "rank": 1,
            "scores": [{"plugin": "ClusterAffinity", "score": 0}, {"plugin": "ClusterLocality", "score": 0}],
            "room": {
                "fits": 4, "unit": "replica", "limitedBy": "pods",
                "because": "the limit is its number of pods: 4 more pods allowed",
            },
            "share": {
                "rule": "copies", "keeps": 0, "handedOut": 3, "totalWeight": 0, "won": 3,
                "rounding": "none", "tieOrder": "firstName",
            },
        })
    );
}

#[test]
fn nothing_is_said_about_a_cluster_that_does_not_exist() {
    let case = case([cluster("a", 4)], 3, json!({}));
    assert!(case.explain(|explanation| explanation.cluster("b").is_none()));
}
