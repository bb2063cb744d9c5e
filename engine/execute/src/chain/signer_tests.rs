use super::*;

/// The first account of every development chain: known to everyone.
const KNOWN: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

fn unsigned() -> Unsigned {
    Unsigned {
        chain: LOCAL_CHAIN,
        nonce: 3,
        to: Address::repeat_byte(7),
        data: Bytes::from_static(&[1, 2, 3, 4]),
        gas: 50_000,
        max_fee: 100,
        priority_fee: 2,
    }
}

#[tokio::test]
async fn the_same_request_gives_the_same_bytes_and_every_field_matters() {
    let signer = Signer::plain(KNOWN, LOCAL_CHAIN).unwrap();
    let (hash, raw) = signer.sign(&unsigned()).await.unwrap();
    assert_eq!(signer.sign(&unsigned()).await.unwrap(), (hash, raw.clone()));
    let others = [
        Unsigned { nonce: 4, ..unsigned() },
        Unsigned { chain: 1, ..unsigned() },
        Unsigned { to: Address::ZERO, ..unsigned() },
        Unsigned { data: Bytes::new(), ..unsigned() },
        Unsigned { gas: 1, ..unsigned() },
        Unsigned { max_fee: 101, ..unsigned() },
        Unsigned { priority_fee: 1, ..unsigned() },
    ];
    for other in others {
        let mismatch = checked(&raw, &transaction(&other), signer.address());
        assert!(matches!(mismatch, Err(SignerError::Mismatch { .. })), "{other:?}");
    }
    let foreign = checked(&raw, &transaction(&unsigned()), Address::ZERO);
    assert!(matches!(foreign, Err(SignerError::Mismatch { .. })));
}

#[test]
fn a_plain_key_is_for_the_local_chain_and_nothing_shows_it() {
    let refused = Signer::plain(KNOWN, 1).unwrap_err();
    assert!(refused.to_string().contains("31337"), "{refused}");
    let broken = Signer::plain("0x1234", LOCAL_CHAIN).unwrap_err();
    let signer = Signer::plain(KNOWN, LOCAL_CHAIN).unwrap();
    for text in [format!("{signer:?}"), format!("{broken:?} {broken}"), format!("{refused:?}")] {
        assert!(!text.to_lowercase().contains(&KNOWN[..8]), "{text}");
    }
    assert_eq!(format!("{signer:?}"), "Signer(0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266)");
}

#[test]
fn a_keystore_opens_with_its_password_alone() {
    let folder = tempfile::tempdir().unwrap();
    let key: PrivateKeySigner = KNOWN.parse().unwrap();
    let mut random = rand08();
    let bytes = key.to_bytes();
    let (_, name) =
        PrivateKeySigner::encrypt_keystore(folder.path(), &mut random, bytes, "secret", None)
            .unwrap();
    let path = folder.path().join(name);
    assert_eq!(Signer::keystore(&path, "secret").unwrap().address(), key.address());
    let wrong = Signer::keystore(&path, "other").unwrap_err();
    assert!(!format!("{wrong:?} {wrong}").contains("other"));
}

fn rand08() -> impl rand_08::Rng + rand_08::CryptoRng {
    use rand_08::SeedableRng;
    rand_08::rngs::StdRng::seed_from_u64(1)
}
