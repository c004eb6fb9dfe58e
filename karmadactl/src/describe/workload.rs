//! Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs.

use serde_json::Value;

use super::page::{Page, items, selector, text, text_or};
use super::pod;

/// Describes a workload.
pub(super) fn describe(page: &mut Page, object: &Value) {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let kind = object["kind"].as_str().unwrap_or_default();
    page.head(object);
    if matches!(kind, "Deployment" | "StatefulSet") {
        page.field(0, "CreationTimestamp", &text(&metadata["creationTimestamp"]));
    }
    if kind == "CronJob" {
        page.labels(object);
        cron_job(page, spec, status);
        pod::template(page, &spec["jobTemplate"]["spec"]["template"]);
        return;
    }
    page.field(0, "Selector", &selector(&spec["selector"]));
    page.labels(object);
    if let Some(owner) = items(&metadata["ownerReferences"]).find(|owner| owner["controller"] == true) {
        page.field(0, "Controlled By", &format!("{}/{}", text(&owner["kind"]), text(&owner["name"])));
    }
    let number = |value: &Value| text_or(value, "0");
    let wanted = text_or(&spec["replicas"], "1");
    match kind {
        "Deployment" => {
            page.field(
                0,
                "Replicas",
                &format!(
                    "{wanted} desired | {} updated | {} total | {} available | {} unavailable",
                    number(&status["updatedReplicas"]),
                    number(&status["replicas"]),
                    number(&status["availableReplicas"]),
                    number(&status["unavailableReplicas"])
                ),
            );
            page.field_if(0, "StrategyType", &spec["strategy"]["type"]);
            page.field(0, "MinReadySeconds", &number(&spec["minReadySeconds"]));
            let rolling = &spec["strategy"]["rollingUpdate"];
            if rolling.is_object() {
                let limits = format!(
                    "{} max unavailable, {} max surge",
                    text(&rolling["maxUnavailable"]),
                    text(&rolling["maxSurge"])
                );
                page.field(0, "RollingUpdateStrategy", &limits);
            }
        }
        "ReplicaSet" => {
            page.field(0, "Replicas", &format!("{} current / {wanted} desired", number(&status["replicas"])));
        }
        "StatefulSet" => {
            page.field(0, "Replicas", &format!("{wanted} desired | {} total", number(&status["replicas"])));
            page.field_if(0, "Update Strategy", &spec["updateStrategy"]["type"]);
            page.field_if(1, "Partition", &spec["updateStrategy"]["rollingUpdate"]["partition"]);
        }
        "DaemonSet" => {
            page.field(0, "Node-Selector", &selector(&spec["template"]["spec"]["nodeSelector"]));
            for (name, field) in [
                ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
                ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
                ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
                ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
                ("Number of Nodes Misscheduled", "numberMisscheduled"),
            ] {
                page.field(0, name, &number(&status[field]));
            }
        }
        _ => job(page, spec, status),
    }
    pod::template(page, &spec["template"]);
    if kind == "StatefulSet" {
        let claims = items(&spec["volumeClaimTemplates"]).map(|claim| text(&claim["metadata"]["name"]));
        page.list(0, "Volume Claims", &claims.collect::<Vec<_>>());
    }
    page.conditions(object);
}

fn job(page: &mut Page, spec: &Value, status: &Value) {
    let number = |value: &Value| text_or(value, "0");
    page.field(0, "Parallelism", &text_or(&spec["parallelism"], "<unset>"));
    page.field(0, "Completions", &text_or(&spec["completions"], "<unset>"));
    page.field_if(0, "Completion Mode", &spec["completionMode"]);
    page.field_if(0, "Suspend", &spec["suspend"]);
    page.field_if(0, "Backoff Limit", &spec["backoffLimit"]);
    page.field_if(0, "Start Time", &status["startTime"]);
    page.field_if(0, "Completed At", &status["completionTime"]);
    page.field_if(0, "Active Deadline Seconds", &spec["activeDeadlineSeconds"]);
    let counts = ["active", "succeeded", "failed"].map(|field| number(&status[field]));
    let [active, succeeded, failed] = counts;
    page.field(0, "Pods Statuses", &format!("{active} Active / {succeeded} Succeeded / {failed} Failed"));
}

fn cron_job(page: &mut Page, spec: &Value, status: &Value) {
    page.field(0, "Schedule", &text(&spec["schedule"]));
    page.field_if(0, "Time Zone", &spec["timeZone"]);
    page.field_if(0, "Concurrency Policy", &spec["concurrencyPolicy"]);
    page.field(0, "Suspend", &text_or(&spec["suspend"], "False"));
    page.field(0, "Successful Job History Limit", &text_or(&spec["successfulJobsHistoryLimit"], "<unset>"));
    page.field(0, "Failed Job History Limit", &text_or(&spec["failedJobsHistoryLimit"], "<unset>"));
    page.field(0, "Starting Deadline Seconds", &text_or(&spec["startingDeadlineSeconds"], "<unset>"));
    page.field(0, "Last Schedule Time", &text_or(&status["lastScheduleTime"], "<unset>"));
    let active = items(&status["active"]).map(|job| text(&job["name"])).collect::<Vec<_>>();
    page.field(0, "Active Jobs", &if active.is_empty() { "<none>".to_owned() } else { active.join(", ") });
}

#[cfg(test)]
mod tests {
    use indoc::indoc;
    use jiff::Timestamp;
    use serde_json::json;

    #[test]
    fn a_deployment_is_described_as_kubectl_does() {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "n", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "web"}},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "strategy": {"type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1", "ports": [{"containerPort": 80}]}]}}},
            "status": {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "conditions": [{"type": "Available", "status": "True", "reason": "Minimum"}]},
        });
        let event = json!({"type": "Normal", "reason": "Scaled", "message": "up", "source": {"component": "c"},
            "lastTimestamp": "2026-01-01T00:00:00Z"});
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        assert_eq!(
            super::super::describe(&object, Some(&[event]), now),
            indoc! {"
            Name:                   web
            Namespace:              n
            CreationTimestamp:      2026-01-01T00:00:00Z
            Selector:               app=web
            Labels:                 app=web
            Annotations:            <none>
            Replicas:               2 desired | 2 updated | 2 total | 2 available | 0 unavailable
            StrategyType:           RollingUpdate
            MinReadySeconds:        0
            RollingUpdateStrategy:  25% max unavailable, 25% max surge
            Pod Template:
              Labels:  app=web
              Containers:
                c:
                  Image:        nginx:1
                  Port:         80/TCP
                  Host Port:    0/TCP
                  Environment:  <none>
                  Mounts:       <none>
              Volumes:          <none>
              Node-Selectors:   <none>
              Tolerations:      <none>
            Conditions:
              Type       Status  Reason
              ----       ------  ------
              Available  True    Minimum
            Events:
              Type    Reason  Age  From  Message
              ----    ------  ---  ----  -------
              Normal  Scaled  60s  c     up
        "}
        );
    }
}
