//! Accounts of a Leeward that runs.

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Leeward};

impl Leeward {
    /// Puts an account.
    pub async fn put(&self, id: &str, provider: &str, credentials: Value) -> Answer {
        let account = json!({ "provider": provider, "credentials": credentials });
        self.admin(Method::PUT, &format!("/accounts/{id}"), Some(account))
            .await
    }

    /// An account as the admin API shows it.
    pub async fn account(&self, id: &str) -> Value {
        let answer = self
            .admin(Method::GET, &format!("/accounts/{id}"), None)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The version of an account's token.
    pub async fn token_version(&self, id: &str) -> u64 {
        self.account(id).await["token"]["version"]
            .as_u64()
            .expect("a version")
    }

    /// Renews by hand.
    pub async fn refresh(&self, id: &str) -> Answer {
        self.admin(Method::POST, &format!("/accounts/{id}/refresh"), None)
            .await
    }

    /// Waits until an account has this status.
    pub async fn until_status(&self, id: &str, status: &str) {
        let what = format!("{id} is {status}");
        self.until(&what, || async {
            self.account(id).await["status"] == status
        })
        .await;
    }
}
