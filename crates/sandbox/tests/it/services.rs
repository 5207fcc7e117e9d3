use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use keybearer_sandbox::KeyPair;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::pages::Browser;
use crate::world::{World, basic, bearer, error};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[tokio::test]
async fn luggage_takes_keys_of_the_right_shape() {
    let world = World::start().await;
    let good = "lk_abcdefghijklmnopqrstuvwxyz012345";
    let check = async |key: &str| world.get("/luggage/check", &[("x-luggage-key", key)]).await;
    assert_eq!(check(good).await.json(), json!({ "valid": true, "account": "luggage-abcd" }));
    assert_eq!(check("lk_short").await.json()["error"], "key_malformed");
    assert_eq!(check(&good.replace("2345", "0000")).await.json()["error"], "key_withdrawn");
    assert_eq!(world.get("/luggage/check", &[]).await.status, 401);
    let items = world.get("/luggage/items", &[("x-luggage-key", good)]).await;
    assert_eq!(items.json()["items"].as_array().unwrap().len(), 2);
    assert!(!format!("{:?}", world.control.requests(0)).contains(good));
}

#[tokio::test]
async fn lockers_takes_basic_credentials() {
    let world = World::start().await;
    let ask = async |name: &str, password: &str| {
        world.get("/lockers/me", &[("authorization", &basic(name, password))]).await
    };
    assert_eq!(ask("ada", "locker-ada").await.json()["name"], "Ada Obi");
    let wrong = ask("ada", "locker-ben").await;
    assert_eq!((wrong.status, wrong.header("www-authenticate")), (401, "Basic realm=\"lockers\""));
}

struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
    public_pem: String,
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn signers() -> [Signer; 2] {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
    let private: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let rsa = Signer {
        algorithm: Algorithm::RS256,
        key: EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap(),
        public_pem: pem("PUBLIC KEY", public.as_ref()),
    };
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let public: PublicKeyX509Der<'_> = ec.public_key().as_der().unwrap();
    let private = ec.to_pkcs8v1().unwrap();
    let ec = Signer {
        algorithm: Algorithm::ES256,
        key: EncodingKey::from_ec_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap(),
        public_pem: pem("PUBLIC KEY", public.as_ref()),
    };
    [rsa, ec]
}

async fn trade(world: &World, signer: &Signer, changes: Value) -> Reply {
    let now = world.control.now().seconds();
    let mut claims = json!({
        "iss": "gatehouse", "sub": "gatehouse", "iat": now, "exp": now + 300, "jti": "one",
        "aud": format!("{}/turnstile/token", world.control.url()),
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let assertion = encode(&Header::new(signer.algorithm), &claims, &signer.key).unwrap();
    world.form("/turnstile/token", &[], &[("grant_type", GRANT), ("assertion", &assertion)]).await
}

#[tokio::test]
async fn turnstile_trades_signed_assertions_for_tokens() {
    let world = World::start().await;
    for signer in signers() {
        world.control.reset();
        world.control.register_key(KeyPair {
            issuer: "gatehouse".to_owned(),
            public_key_pem: signer.public_pem.clone(),
        });
        let token =
            trade(&world, &signer, json!({})).await.json()["access_token"].as_str().unwrap().to_owned();
        let passes = world.get("/turnstile/passes", &[("authorization", &bearer(&token))]).await;
        assert_eq!(passes.json()["passes"][0]["holder"], "gatehouse");
        assert_eq!(trade(&world, &signer, json!({})).await.status, 400, "the same jti twice");
        let now = world.control.now().seconds();
        let wrong = [
            json!({ "jti": "2", "aud": "https://elsewhere.test" }),
            json!({ "jti": "3", "exp": now - 60 }),
            json!({ "jti": "4", "exp": now + 86_400 }),
            json!({ "jti": "5", "iss": "nobody" }),
            json!({ "jti": "6", "sub": "somebody" }),
            json!({ "jti": "7", "iat": now + 600 }),
        ];
        for changes in wrong {
            let reply = trade(&world, &signer, changes.clone()).await;
            assert_eq!(error(&reply), (400, "invalid_grant".into()), "{changes}");
        }
    }
}

#[tokio::test]
async fn a_public_key_is_registered_by_hand() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/developers").await;
    for signer in signers() {
        let done = browser.submit(&page, "/developers/keys", &[("public_key", &signer.public_pem)]).await;
        let html = done.text();
        let id = html.split("pc_key_").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
        let id = format!("pc_key_{id}");
        let traded = trade(&world, &signer, json!({ "iss": id, "sub": id })).await;
        assert_eq!(traded.status, 200, "{}", traded.text());
    }
    let private = pem("PRIVATE KEY", b"anything");
    let refused = browser.submit(&page, "/developers/keys", &[("public_key", &private)]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("That is a private key") && !refused.text().contains("BEGIN"));
}

#[tokio::test]
async fn turnstile_refuses_another_key_and_a_symmetric_algorithm() {
    let world = World::start().await;
    let [rsa, ec] = signers();
    let [other, _] = signers();
    world
        .control
        .register_key(KeyPair { issuer: "gatehouse".to_owned(), public_key_pem: rsa.public_pem.clone() });
    assert_eq!(trade(&world, &other, json!({})).await.status, 400);
    assert_eq!(trade(&world, &ec, json!({})).await.status, 400);
    let hmac = Signer {
        algorithm: Algorithm::HS256,
        key: EncodingKey::from_secret(rsa.public_pem.as_bytes()),
        public_pem: String::new(),
    };
    assert_eq!(trade(&world, &hmac, json!({})).await.status, 400);
}
