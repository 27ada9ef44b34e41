"""What the words of a report mean, for a reader who has nothing but the report."""

TERMS = (
    ("own", "the first positive of a query; further ones are as relevant"),
    ("positive", "similarities of all queries with all their relevant documents; negative: with all others"),
    ("margin", "mean of the positive minus mean of the negative similarities"),
    ("separation", "margin over the sum of both deviations; rss: over the root of the sum of their squares"),
    (
        "rank1_share",
        "queries with a relevant document at rank 1; recall@1: share of all relevant ones found there",
    ),
    ("rank1_gap", "similarity at rank 1 minus that at rank 2, or of the first wrong one behind right ones"),
    ("hard_accuracy", "hard negatives that are less similar to the query than its own positive"),
    ("near", "queries that have their own positive among the nearest tenth of the documents in a map, 10 at most"),
    ("clustering", "near in the t-SNE map, or in the UMAP map where there is no other"),
    ("trust", "trustworthiness of a map: how far near points are near vectors, 0.5 by chance, 1 at best"),
    ("95 % interval", "what other queries of this kind would give against the same documents, by bootstrap"),
)
