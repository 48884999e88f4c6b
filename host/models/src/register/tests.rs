//! From archives in a store to versions, with workers that the test plays.

use super::*;
use crate::service::Removal;
use crate::testing::{Actor, House, manifest, pack, soon};
use meterbox_config::{LoadModels, ModelArchive};
use tempfile::tempdir;

/// A house whose store has versions 1.11 and 2.0 of noop.
fn house() -> House {
    let store = tempdir().unwrap();
    pack(store.path(), "noop", &manifest("noop", "1.11"), "");
    pack(
        store.path(),
        "noop2",
        &manifest("noop", "2.0"),
        "minWorkers: 1\n",
    );
    House::new(store, |_| {})
}

async fn register(house: &House, url: &str, wishes: Wishes) -> Result<Registered, RegisterError> {
    soon(house.models.register(url.to_owned(), wishes, false)).await
}

async fn refusal(house: &House, url: &str, wishes: Wishes) -> String {
    register(house, url, wishes).await.unwrap_err().to_string()
}

#[tokio::test]
async fn versions_come_and_go_and_the_first_is_the_default() {
    let house = house();
    let models = &house.models;
    register(&house, "noop", Wishes::default()).await.unwrap();
    assert_eq!(
        refusal(&house, "noop", Wishes::default()).await,
        "Model version 1.11 is already registered for model noop"
    );
    register(&house, "noop2", Wishes::default()).await.unwrap();
    assert_eq!(models.find("noop", None).unwrap().version(), "1.11");
    assert_eq!(models.find("noop", Some("2.0")).unwrap().url(), "noop2");
    assert_eq!(models.versions("noop").unwrap().len(), 2);
    let text = |error: RepositoryError| error.to_string();
    let removed = models.unregister("noop", None).await;
    assert_eq!(
        text(removed.unwrap_err()),
        "Cannot remove default version for model noop"
    );
    assert_eq!(
        text(models.set_default("noop", "9.9").unwrap_err()),
        "Model version 9.9 does not exist for model noop"
    );
    models.set_default("noop", "2.0").unwrap();
    assert_eq!(models.find("noop", None).unwrap().version(), "2.0");
    assert_eq!(
        soon(models.unregister("noop", Some("1.11"))).await,
        Ok(Removal::Done)
    );
    assert_eq!(
        text(models.find("noop", Some("1.11")).unwrap_err()),
        "Model version: 1.11 does not exist for model: noop"
    );
    assert_eq!(
        soon(models.unregister("noop", None)).await,
        Ok(Removal::Done)
    );
    assert_eq!(
        text(models.find("noop", None).unwrap_err()),
        "Model not found: noop"
    );
    assert!(models.defaults().is_empty());
}

#[tokio::test]
async fn a_version_that_is_removed_leaves_no_file_behind() {
    let house = house();
    register(&house, "noop", Wishes::default()).await.unwrap();
    assert_eq!(house.unpacked(), 1);
    soon(house.models.unregister("noop", None)).await.unwrap();
    assert_eq!(house.unpacked(), 0);
    let nameless = Wishes {
        model_name: Some("../e".to_owned()),
        ..Wishes::default()
    };
    assert!(
        refusal(&house, "noop", nameless)
            .await
            .contains("Invalid model name")
    );
    assert_eq!(house.unpacked(), 0);
}

#[tokio::test]
async fn what_cannot_be_registered_says_why() {
    let store = tempdir().unwrap();
    pack(
        store.path(),
        "nameless",
        r#"{"model":{"handler":"h.py"}}"#,
        "",
    );
    pack(
        store.path(),
        "handlerless",
        r#"{"model":{"modelName":"a"}}"#,
        "",
    );
    pack(
        store.path(),
        "cpp",
        r#"{"runtime":"LSP","model":{"modelName":"a","handler":"h"}}"#,
        "",
    );
    pack(store.path(), "version", &manifest("a", "1/0"), "");
    pack(
        store.path(),
        "yaml",
        &manifest("a", "1.0"),
        "batchSize: many\n",
    );
    std::fs::write(store.path().join("broken.mar"), "not a mar!").unwrap();
    let house = House::new(store, |_| {});
    for (url, part) in [
        ("nameless", "Model name is not defined."),
        ("broken.mar", "Model name is not defined."),
        ("handlerless", "Model handler is not defined"),
        ("cpp", "Runtime LSP is not supported"),
        ("version", "Invalid model version \"1/0\""),
        ("yaml", "Model archive yaml is refused: c.yaml: "),
        ("nosuch", "Model not found at: nosuch"),
    ] {
        let text = refusal(&house, url, Wishes::default()).await;
        assert!(text.starts_with(part), "{text}");
    }
    let named = Wishes {
        model_name: Some("b".to_owned()),
        ..Wishes::default()
    };
    assert_eq!(
        register(&house, "nameless", named)
            .await
            .unwrap()
            .version
            .version(),
        "1.0"
    );
    let handled = Wishes {
        handler: Some("h".to_owned()),
        ..Wishes::default()
    };
    register(&house, "handlerless", handled).await.unwrap();
}

#[tokio::test]
async fn whoever_waits_gets_a_ready_model_or_none_at_all() {
    let mut house = house();
    let models = house.models.clone();
    let waiting = tokio::spawn(async move {
        models
            .register("noop2".to_owned(), Wishes::default(), true)
            .await
    });
    let mut worker: Actor = house.process().await;
    worker.load(200).await;
    let registered = soon(waiting).await.unwrap().unwrap();
    assert_eq!(registered.workers, Some(Scaled::Done));
    assert!(house.models.are_healthy());
    assert_eq!(registered.version.workers()[0].id, 9000);

    let models = house.models.clone();
    let wishes = Wishes {
        initial_workers: Some(1),
        ..Wishes::default()
    };
    let waiting =
        tokio::spawn(async move { models.register("noop".to_owned(), wishes, true).await });
    house.process().await.load(507).await;
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert!(matches!(error, RegisterError::Workers { code: 507, .. }));
    assert_eq!(
        error.to_string(),
        "Failed to start workers for model noop version: 1.11"
    );
    assert!(house.models.find("noop", Some("1.11")).is_err());
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_a_registration() {
    let mut house = house();
    let wishes = Wishes {
        initial_workers: Some(1),
        ..Wishes::default()
    };
    let models = house.models.clone();
    let leaving =
        tokio::spawn(async move { models.register("noop".to_owned(), wishes, true).await });
    let mut worker = house.process().await;
    leaving.abort();
    worker.load(200).await;
    let version = house.models.find("noop", None).unwrap();
    crate::testing::until(|| version.workers_ready() == 1).await;
}

#[tokio::test]
async fn the_configuration_loads_models_with_their_presets_and_reports_those_that_it_cannot() {
    let store = tempdir().unwrap();
    pack(store.path(), "noop", &manifest("noop", "1.11"), "");
    pack(store.path(), "noop2", &manifest("noop", "2.0"), "");
    pack(
        store.path(),
        "nameless",
        r#"{"model":{"handler":"h.py"}}"#,
        "",
    );
    let mut house = House::new(store, |models| {
        let archive = |name: Option<&str>, file: &str| ModelArchive {
            name: name.map(str::to_owned),
            file: file.to_owned(),
        };
        models.load = LoadModels::Listed(vec![
            archive(None, "noop"),
            archive(None, "noop2"),
            archive(None, "nosuch"),
            archive(None, "nameless"),
        ]);
        models.default_workers = 3;
        models.presets = vec![ModelPreset {
            name: "noop".to_owned(),
            version: "2.0".to_owned(),
            min_workers: Some(1),
            batch_size: Some(8),
            is_default: true,
            ..ModelPreset::default()
        }];
    });
    let started = soon(house.models.start_configured()).await;
    let outcomes: Vec<_> = started.into_iter().map(|one| one.outcome).collect();
    let loaded =
        |name: &str, version: &str, workers| Ok((name.to_owned(), version.to_owned(), workers));
    assert_eq!(outcomes[0], loaded("noop", "1.11", 3));
    assert_eq!(outcomes[1], loaded("noop", "2.0", 1));
    assert_eq!(outcomes[2], Err("Model not found at: nosuch".to_owned()));
    assert_eq!(outcomes[3], loaded("nameless", "1.0", 3));
    let default = house.models.find("noop", None).unwrap();
    assert_eq!(
        (default.version(), default.settings().batch_size),
        ("2.0", 8)
    );
    assert!(default.loaded_at_start());
    assert!(house.models.only_startup_model().is_none(), "there are two");
    for _ in 0..7 {
        house.process().await;
    }
    soon(house.models.shut_down(Duration::from_secs(5))).await;
}
