macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A code without a name.
            Other(u32),
        }

        impl $name {
            /// The status of a code.
            pub fn from_code(code: u32) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    other => Self::Other(other),
                }
            }

            /// The code of a status.
            pub fn code(self) -> u32 {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Other(code) => code,
                }
            }
        }
    };
}

statuses! {
    /// Answers of a filter server.
    FilterStatus {
        /// Done.
        Ok = 200,
        /// Malformed, no topics, or more than 100 of them.
        BadRequest = 400,
        /// No such subscription: subscribe again.
        NotFound = 404,
        /// Rate limited.
        TooManyRequests = 429,
        /// Full of peers or criteria.
        Unavailable = 503,
    }
}

statuses! {
    /// Answers of a lightpush v3 server.
    LightPushStatus {
        /// Relayed to `relay_peer_count` peers; without peers it is not delivery.
        Ok = 200,
        /// Undecodable, or an empty topic.
        BadRequest = 400,
        /// Too large.
        PayloadTooLarge = 413,
        /// Invalid: too large and already seen come as this too.
        InvalidMessage = 420,
        /// The server does not relay this shard.
        UnsupportedTopic = 421,
        /// Rate limited.
        TooManyRequests = 429,
        /// The server failed.
        InternalError = 500,
        /// Not available; without relay peers, as the specification has it.
        Unavailable = 503,
        /// No RLN proof to be had.
        OutOfRlnProof = 504,
        /// Without relay peers, as deployed nodes say it.
        NoPeers = 505,
    }
}

statuses! {
    /// Answers of a store v3 server.
    StoreStatus {
        /// Done.
        Ok = 200,
        /// The archive failed.
        ArchiveError = 300,
        /// Malformed.
        BadRequest = 400,
        /// Rate limited.
        TooManyRequests = 429,
        /// Not available.
        Unavailable = 503,
    }
}

statuses! {
    /// Answers of a peer exchange server.
    PeerExchangeStatus {
        /// Done.
        Ok = 200,
        /// Malformed.
        BadRequest = 400,
        /// Rate limited.
        TooManyRequests = 429,
        /// Not available.
        Unavailable = 503,
    }
}
