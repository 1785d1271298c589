"""The papers whose datasets the recipes follow, by the `source` of a recipe, as BibTeX."""

from __future__ import annotations

from dataclasses import dataclass

ICLR = "International Conference on Learning Representations"
ICML = "International Conference on Machine Learning"
NEURIPS = "Advances in Neural Information Processing Systems"
PREFIXES = {"arXiv:": "https://arxiv.org/abs/", "doi:": "https://doi.org/"}


@dataclass(frozen=True)
class Paper:
    """A published work: its model or what it is known by, BibTeX key, authors, title, year and where it appeared."""

    model: str
    key: str
    authors: str  # joined by commas, each with the family name last
    title: str
    year: int
    where: str
    volume: str = ""  # of a journal
    pages: str = ""

    def bibtex(self, source: str) -> str:
        """The entry of the paper, whose address follows from the `source` of a recipe."""
        kind, where = ("article", "journal") if self.volume else ("inproceedings", "booktitle")
        fields = {
            "title": f"{{{self.title}}}",  # in braces of its own it keeps its capitals
            "author": " and ".join(self.authors.split(", ")),
            "year": str(self.year),
            where: self.where,
            "volume": self.volume,
            "pages": self.pages.replace("–", "--"),
            "url": address(source),
        }
        return _entry(kind, self.key, fields)


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{text}}}," for name, text in fields.items() if text]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]).replace(" & ", r" \& ")


def address(source: str) -> str:
    """The address of a paper on the web."""
    for prefix, start in PREFIXES.items():
        if source.startswith(prefix):
            return start + source.removeprefix(prefix)
    return source


def cited(source: str) -> str:
    """The source of a recipe with the model and the entry of its paper, if that is known: a text to search."""
    paper = PAPERS.get(source)
    return "\n".join([source, paper.model, paper.bibtex(source)]) if paper else source


def bibtex(source: str, version: str) -> str:
    """The entries to cite for a dataset: its paper, if that is known, and this package in the version that wrote it."""
    paper = [PAPERS[source].bibtex(source)] if source in PAPERS else []
    return "\n\n".join([*paper, _entry("software", "slvm_data", {**OURS, "version": version})])


RELEASES = {"0.1.0": "2026-11-27"}  # date of each version of this package
OURS = {
    "title": "{slvm-data}: Datasets for Sequential Latent-Variable Models",
    "author": "{The slvm-data authors}",
    "year": "2026",
}
PAPERS = {
    "https://papers.nips.cc/paper/2008/hash/9ad6aaed513b73148b7d49f70afcfb32-Abstract.html": Paper(
        "RTRBM",
        "sutskever2008recurrent",
        "Ilya Sutskever, Geoffrey E. Hinton, Graham W. Taylor",
        "The Recurrent Temporal Restricted Boltzmann Machine",
        2008,
        NEURIPS,
    ),
    "https://proceedings.mlr.press/v54/linderman17a.html": Paper(
        "rSLDS",
        "linderman2017bayesian",
        "Scott Linderman, Matthew Johnson, Andrew Miller, Ryan Adams, David Blei, Liam Paninski",
        "Bayesian Learning and Inference in Recurrent Switching Linear Dynamical Systems",
        2017,
        "International Conference on Artificial Intelligence and Statistics",
    ),
    "arXiv:1710.05741": Paper(
        "KVAE",
        "fraccaro2017disentangled",
        "Marco Fraccaro, Simon Kamronn, Ulrich Paquet, Ole Winther",
        "A Disentangled Recognition and Nonlinear Dynamics Model for Unsupervised Learning",
        2017,
        NEURIPS,
    ),
    "arXiv:1802.04687": Paper(
        "NRI",
        "kipf2018neural",
        "Thomas Kipf, Ethan Fetaya, Kuan-Chieh Wang, Max Welling, Richard Zemel",
        "Neural Relational Inference for Interacting Systems",
        2018,
        ICML,
    ),
    "arXiv:1905.07357": Paper(
        "RKN",
        "becker2019recurrent",
        "Philipp Becker, Harit Pandya, Gregor Gebhardt, Cheng Zhao, C. James Taylor, Gerhard Neumann",
        "Recurrent Kalman Networks: Factorized Inference in High-Dimensional Deep Feature Spaces",
        2019,
        ICML,
    ),
    "arXiv:1906.01563": Paper(
        "HNN",
        "greydanus2019hamiltonian",
        "Samuel Greydanus, Misko Dzamba, Jason Yosinski",
        "Hamiltonian Neural Networks",
        2019,
        NEURIPS,
    ),
    "arXiv:1909.13789": Paper(
        "HGN",
        "toth2020hamiltonian",
        "Peter Toth, Danilo J. Rezende, Andrew Jaegle, Sébastien Racanière, Aleksandar Botev, Irina Higgins",
        "Hamiltonian Generative Networks",
        2020,
        ICLR,
    ),
    "arXiv:1910.09588": Paper(
        "SNLDS",
        "dong2020collapsed",
        "Zhe Dong, Bryan A. Seybold, Kevin P. Murphy, Hung H. Bui",
        "Collapsed Amortized Variational Inference for Switching Nonlinear Dynamical Systems",
        2020,
        ICML,
    ),
    "arXiv:2003.10775": Paper(
        "GOKU-net",
        "linial2021generative",
        "Ori Linial, Neta Ravid, Danny Eytan, Uri Shalit",
        "Generative ODE Modeling with Known Unknowns",
        2021,
        "Conference on Health, Inference, and Learning",
    ),
    "arXiv:2007.01926": Paper(
        "caVAE",
        "zhong2020unsupervised",
        "Yaofeng Desmond Zhong, Naomi Ehrich Leonard",
        "Unsupervised Learning of Lagrangian Dynamics from Images for Prediction and Control",
        2020,
        NEURIPS,
    ),
    "arXiv:2009.05135": Paper(
        "DSARF",
        "farnoosh2021deep",
        "Amirreza Farnoosh, Bahar Azari, Sarah Ostadabbas",
        "Deep Switching Auto-Regressive Factorization: Application to Time Series Forecasting",
        2021,
        "AAAI Conference on Artificial Intelligence",
    ),
    "arXiv:2108.11684": Paper(
        "SD-VAE",
        "fotiadis2023disentangled",
        "Stathi Fotiadis, Mario Lino Valencia, Shunlong Hu, Stef Garasto, Chris D. Cantwell, Anil Anthony Bharath",
        "Disentangled Generative Models for Robust Prediction of System Dynamics",
        2023,
        ICML,
    ),
    "arXiv:2110.05266": Paper(
        "dysts",
        "gilpin2021chaos",
        "William Gilpin",
        "Chaos as an interpretable benchmark for forecasting and data-driven modelling",
        2021,
        "Neural Information Processing Systems Track on Datasets and Benchmarks",
    ),
    "arXiv:2110.13878": Paper(
        "REDSDS",
        "ansari2021deep",
        "Abdul Fatir Ansari, Konstantinos Benidis, Richard Kurle, Ali Caner Turkmen, Harold Soh, "
        "Alexander J. Smola, Yuyang Wang, Tim Januschowski",
        "Deep Explicit Duration Switching Models for Time Series",
        2021,
        NEURIPS,
    ),
    "arXiv:2111.05458": Paper(
        "Hamiltonian suite",
        "botev2021which",
        "Aleksandar Botev, Andrew Jaegle, Peter Wirnsberger, Daniel Hennes, Irina Higgins",
        "Which priors matter? Benchmarking models for learning latent dynamics",
        2021,
        f"{NEURIPS}, Datasets and Benchmarks",
    ),
    "arXiv:2111.11344": Paper(
        "CRU",
        "schirmer2022modeling",
        "Mona Schirmer, Mazin Eltayeb, Stefan Lessmann, Maja Rudolph",
        "Modeling Irregular Time Series with Continuous Recurrent Units",
        2022,
        ICML,
    ),
    "arXiv:2202.01889": Paper(
        "CoDA",
        "kirchmeyer2022generalizing",
        "Matthieu Kirchmeyer, Yuan Yin, Jérémie Donà, Nicolas Baskiotis, Alain Rakotomamonjy, Patrick Gallinari",
        "Generalizing to New Physical Systems via Context-Informed Dynamics Model",
        2022,
        ICML,
    ),
    "arXiv:2202.03169": Paper(
        "CITRIS",
        "lippe2022citris",
        "Phillip Lippe, Sara Magliacane, Sindy Löwe, Yuki M. Asano, Taco Cohen, Efstratios Gavves",
        "CITRIS: Causal Identifiability from Temporal Intervened Sequences",
        2022,
        ICML,
    ),
    "arXiv:2210.03466": Paper(
        "MSVI",
        "iakovlev2023latent",
        "Valerii Iakovlev, Cagatay Yildiz, Markus Heinonen, Harri Lähdesmäki",
        "Latent Neural ODEs with Sparse Bayesian Multiple Shooting",
        2023,
        ICLR,
    ),
    "arXiv:2301.11308": Paper(
        "NCDSSM",
        "ansari2023neural",
        "Abdul Fatir Ansari, Alvin Heng, Andre Lim, Harold Soh",
        "Neural Continuous-Discrete State Space Models for Irregularly-Sampled Time Series",
        2023,
        ICML,
    ),
    "arXiv:2302.13262": Paper(
        "MoNODE",
        "auzina2023modulated",
        "Ilze Amanda Auzina, Çağatay Yıldız, Sara Magliacane, Matthias Bethge, Efstratios Gavves",
        "Modulated Neural ODEs",
        2023,
        NEURIPS,
    ),
    "arXiv:2305.15925": Paper(
        "identifiable SDS",
        "balsells2024identifiability",
        "Carles Balsells-Rodas, Yixin Wang, Yingzhen Li",
        "On the Identifiability of Switching Dynamical Systems",
        2024,
        ICML,
    ),
    "arXiv:2410.23889": Paper(
        "GEPS",
        "kassai2024boosting",
        "Armand {Kassaï Koupaï}, Jorge {Mifsut Benet}, Yuan Yin, Jean-Noël Vittaut, Patrick Gallinari",
        "Boosting Generalization in Parametric PDE Neural Solvers through Adaptive Conditioning",
        2024,
        NEURIPS,
    ),
    "arXiv:2411.02385": Paper(
        "PhyWorld",
        "kang2025how",
        "Bingyi Kang, Yang Yue, Rui Lu, Zhijie Lin, Yang Zhao, Kaixin Wang, Gao Huang, Jiashi Feng",
        "How Far is Video Generation from World Model: A Physical Law Perspective",
        2025,
        ICML,
    ),
    "https://openreview.net/forum?id=7C9aRX2nBf2": Paper(
        "few-shot latent dynamics",
        "jiang2023sequential",
        "Xiajun Jiang, Ryan Missel, Zhiyuan Li, Linwei Wang",
        "Sequential Latent Variable Models for Few-Shot High-Dimensional Time-Series Forecasting",
        2023,
        ICLR,
    ),
    "https://openreview.net/forum?id=Dl3MsjaIdp": Paper(
        "CoSFan",
        "missel2025continual",
        "Ryan Missel, Linwei Wang",
        "Continual Slow-and-Fast Adaptation of Latent Neural Dynamics (CoSFan): Meta-Learning What-How & When to Adapt",
        2025,
        ICLR,
    ),
    "doi:10.1038/s43588-022-00281-6": Paper(
        "neural state variables",
        "chen2022automated",
        "Boyuan Chen, Kuang Huang, Sunand Raghupathi, Ishaan Chandratreya, Qiang Du, Hod Lipson",
        "Automated discovery of fundamental variables hidden in experimental data",
        2022,
        "Nature Computational Science",
        "2",
        "433–442",
    ),
    "https://doi.org/10.1080/14786442608564127": Paper(
        "van der Pol's oscillator",
        "vanderpol1926relaxation",
        "Balthasar {van der Pol}",
        "On relaxation-oscillations",
        1926,
        "The London, Edinburgh, and Dublin Philosophical Magazine and Journal of Science",
        "2",
        "978–992",
    ),
    "https://doi.org/10.1086/109234": Paper(
        "Hénon–Heiles system",
        "henon1964applicability",
        "Michel Hénon, Carl Heiles",
        "The applicability of the third integral of motion: Some numerical experiments",
        1964,
        "The Astronomical Journal",
        "69",
        "73–79",
    ),
    "https://doi.org/10.1109/JRPROC.1962.288235": Paper(
        "FitzHugh–Nagumo model",
        "nagumo1962active",
        "Jinichi Nagumo, Suguru Arimoto, Shuji Yoshizawa",
        "An Active Pulse Transmission Line Simulating Nerve Axon",
        1962,
        "Proceedings of the IRE",
        "50",
        "2061–2070",
    ),
    "https://doi.org/10.1111/j.2517-6161.1984.tb01308.x": Paper(
        "piecewise-deterministic Markov process",
        "davis1984piecewise",
        "Mark H. A. Davis",
        "Piecewise-Deterministic Markov Processes: A General Class of Non-Diffusion Stochastic Models",
        1984,
        "Journal of the Royal Statistical Society: Series B (Methodological)",
        "46",
        "353–376",
    ),
}
"""Every paper by the `source` of the recipes that follow it."""
